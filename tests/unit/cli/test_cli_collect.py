"""`swefoundry collect releases`: offline from archives of these tests, and once from the real index."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from swefoundry.api.validation import manifest
from swefoundry.cli.datasets.instance import InstanceSettings, render_instance
from swefoundry.cli.releases.collecting import PairRejected, collect_pair, release_time
from swefoundry.cli.releases.index import NoRelease, SourceArchive
from swefoundry.cli.releases.pairs import parse_pair
from swefoundry.cli.releases.splitting import path_classifier
from unit.cli.conftest import Run
from unit.cli.test_cli_archives import tar

UPLOADED = datetime(2023, 6, 1, 12, 0, 0, 999, UTC)
FILES = {
    "1.0": {
        "calc.py": b"x = 1\n",
        "tests/test_calc.py": b"def test_a(): pass\n",
        "PKG-INFO": b"Version: 1.0\n",
    },
    "1.1": {
        "calc.py": b"x = 2\n",
        "tests/test_calc.py": b"def test_b(): pass\n",
        "PKG-INFO": b"Version: 1.1\nHome-page: https://github.com/octo/calc\n",
    },
    "1.2": {
        "calc.py": b"x = 3\n",
        "tests/test_calc.py": b"def test_b(): pass\n",
        "PKG-INFO": b"Version: 1.2\n",
    },
    "1.3": {
        "calc.py": b"x = 3\n",
        "tests/test_calc.py": b"def test_c(): pass\n",
        "PKG-INFO": b"Version: 1.3\n",
    },
    "1.4": {
        "calc.py": b"x = 4\n",
        "PKG-INFO": b"Version: 1.4\n",
    },
}


class FolderIndex:
    """A package index of archives in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def archive(self, package: str, version: str) -> SourceArchive:
        if package != "calc" or version not in FILES:
            raise NoRelease(f"no release {package} {version}")
        return SourceArchive(f"https://index.example/calc-{version}.tar.gz", version, "", UPLOADED)

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        version = archive.filename
        path = self._folder / f"calc-{version}.tar.gz"
        return tar(
            path, {f"calc-{version}/{name}": content for name, content in FILES[version].items()}
        ), "e" * 64


JUNE_2012 = datetime(2012, 6, 1, 9, 30, tzinfo=UTC)
FETCHED = datetime(2025, 10, 1, tzinfo=UTC)
MAY_2012 = JUNE_2012 - timedelta(days=31)
FIXED_BY_NPM = datetime(1985, 10, 26, 8, 15, tzinfo=UTC)
FIXED_BY_HATCH = datetime(2020, 2, 2, tzinfo=UTC)
FIXED_BY_CARGO = datetime(2006, 7, 24, 1, 21, 28, tzinfo=UTC)


@pytest.mark.parametrize(
    ("uploaded", "file_times", "expected"),
    [
        (JUNE_2012, [MAY_2012, MAY_2012 + timedelta(seconds=5)], JUNE_2012),
        (FETCHED, [MAY_2012, JUNE_2012], JUNE_2012),
        (None, [MAY_2012, JUNE_2012], JUNE_2012),
        (FETCHED, [FIXED_BY_HATCH, FIXED_BY_HATCH], FETCHED),
        (FETCHED, [FIXED_BY_NPM, FIXED_BY_NPM], FETCHED),
        (FETCHED, [FIXED_BY_NPM, FIXED_BY_CARGO], FETCHED),
    ],
)
def test_a_release_is_as_old_as_its_newest_file_where_the_index_is_a_mirror(
    uploaded: datetime | None, file_times: list[datetime], expected: datetime, tmp_path: Path
) -> None:
    for number, time in enumerate(file_times):
        path = tmp_path / f"file{number}"
        path.touch()
        os.utime(path, (time.timestamp(), time.timestamp()))
    assert release_time(uploaded, tmp_path) == expected


async def test_a_pair_becomes_an_instance(tmp_path: Path) -> None:
    instance = await collect_pair(parse_pair("calc:1.0..1.1"), FolderIndex(tmp_path), path_classifier())
    assert (instance.instance_id, instance.repo, instance.version, instance.language) == (
        "octo__calc-1.1",
        "octo/calc",
        "1.0",
        "python",
    )
    assert instance.created_at == datetime(2023, 6, 1, 12, 0, 0, tzinfo=UTC)
    assert instance.source == {
        "archive": {"url": "https://index.example/calc-1.0.tar.gz", "sha256": "e" * 64, "stripComponents": 1}
    }
    assert (
        b"+x = 2" in instance.gold and b"test_calc" not in instance.gold and b"PKG-INFO" not in instance.gold
    )
    assert b"+def test_b" in instance.tests and b"calc.py b/calc.py" not in instance.tests
    assert manifest.manifest_problems(render_instance(instance, InstanceSettings()).objects[-1]) == []


async def test_the_user_may_name_the_repository(tmp_path: Path) -> None:
    instance = await collect_pair(
        parse_pair("calc:1.0..1.1 repo=our/fork"), FolderIndex(tmp_path), path_classifier()
    )
    assert (instance.instance_id, instance.repo) == ("our__calc-1.1", "our/fork")


@pytest.mark.parametrize(
    ("pair", "error"),
    [
        pytest.param("calc:1.1..1.2", PairRejected, id="no test differs"),
        pytest.param("calc:1.2..1.3", PairRejected, id="only tests differ"),
        pytest.param("calc:1.1..1.4", PairRejected, id="tests are only deleted"),
        pytest.param("calc:1.0..9.9", NoRelease, id="no such release"),
        pytest.param("other:1.0..1.1", NoRelease, id="no such package"),
    ],
)
async def test_a_pair_that_cannot_become_an_instance_is_rejected(
    tmp_path: Path, pair: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await collect_pair(parse_pair(pair), FolderIndex(tmp_path), path_classifier())


def test_a_command_without_pairs_is_wrong_usage(run: Run) -> None:
    assert run("collect", "releases").exit_code == 2


def test_a_bad_line_of_a_file_is_reported_with_its_place(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text("# pairs\nnonsense\n")
    done = run(
        "collect", "releases", "--file", file, "--out", tmp_path / "out", "--cache", tmp_path / "cache"
    )
    assert done.exit_code == 1
    assert "pairs.txt, line 2: " in done.stderr


@pytest.mark.real
def test_a_real_pair_of_releases(run: Run, tmp_path: Path) -> None:
    words = ("collect", "releases", "itsdangerous:2.1.0..2.1.1", "--cache", tmp_path / "cache")
    done = run(*words, "--out", tmp_path / "out", "-o", "json")
    assert done.exit_code == 0, done.output
    (path,) = json.loads(done.stdout)["made"]
    (task,) = yaml.safe_load_all(Path(path).read_text())
    spec = task["spec"]
    assert (spec["instanceId"], spec["repo"]) == ("pallets__itsdangerous-2.1.1", "pallets/itsdangerous")
    assert (spec["version"], spec["createdAt"]) == ("2.1.0", "2022-03-09T16:24:04Z")
    assert spec["source"]["archive"]["url"].endswith("itsdangerous-2.1.0.tar.gz")
    assert "src/itsdangerous/timed.py" in spec["goldPatch"]["inline"]
    assert "test_timed.py" in spec["testPatch"]["inline"]
    assert "Handle date overflow" in spec["problemStatement"]["inline"]
    assert manifest.manifest_problems(task) == []
