"""`swefoundry collect releases`: offline from archives of our own, and once from the real index."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from packaging.version import Version

from swefoundry.api.validation import manifest
from swefoundry.cli.datasets.instance import InstanceSettings, render_instance
from swefoundry.cli.releases.collecting import PairRejected, collect_pair
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
}


class Shelf:
    """An index of archives in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def archives(self, package: str) -> dict[Version, SourceArchive]:
        if package != "calc":
            raise NoRelease(f"no package {package}")
        return {
            Version(version): SourceArchive(
                f"https://index.example/calc-{version}.tar.gz", version, "", UPLOADED
            )
            for version in FILES
        }

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        version = archive.filename
        path = self._folder / f"calc-{version}.tar.gz"
        return tar(
            path, {f"calc-{version}/{name}": content for name, content in FILES[version].items()}
        ), "e" * 64


async def test_a_pair_becomes_an_instance(tmp_path: Path) -> None:
    made = await collect_pair(parse_pair("calc:1.0..1.1"), Shelf(tmp_path), path_classifier())
    assert (made.instance_id, made.repo, made.version, made.language) == (
        "octo__calc-1.1",
        "octo/calc",
        "1.0",
        "python",
    )
    assert made.created_at == datetime(2023, 6, 1, 12, 0, 0, tzinfo=UTC)
    assert made.source == {
        "archive": {"url": "https://index.example/calc-1.0.tar.gz", "sha256": "e" * 64, "stripComponents": 1}
    }
    assert b"+x = 2" in made.gold and b"test_calc" not in made.gold and b"PKG-INFO" not in made.gold
    assert b"+def test_b" in made.tests and b"calc.py b/calc.py" not in made.tests
    assert manifest.manifest_problems(render_instance(made, InstanceSettings()).objects[-1]) == []


async def test_the_user_may_name_the_repository(tmp_path: Path) -> None:
    made = await collect_pair(parse_pair("calc:1.0..1.1 repo=our/fork"), Shelf(tmp_path), path_classifier())
    assert (made.instance_id, made.repo) == ("our__calc-1.1", "our/fork")


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ("calc:1.1..1.2", "no test file differs between 1.1 and 1.2"),
        ("calc:1.2..1.3", "nothing but tests differs between 1.2 and 1.3"),
        ("calc:1.0..9.9", "calc 9.9 has no source archive in the index. Latest that do: 1.0, 1.1, 1.2, 1.3."),
        ("other:1.0..1.1", "no package other"),
    ],
)
async def test_a_pair_that_is_no_candidate_says_why(tmp_path: Path, pair: str, complaint: str) -> None:
    with pytest.raises((PairRejected, NoRelease), match=complaint):
        await collect_pair(parse_pair(pair), Shelf(tmp_path), path_classifier())


def test_nothing_asked_for_is_wrong_usage(run: Run) -> None:
    assert run("collect", "releases").exit_code == 2


def test_pairs_that_are_none_are_told_with_their_place(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text("# pairs\nnonsense\n")
    done = run(
        "collect", "releases", "--file", file, "--out", tmp_path / "out", "--cache", tmp_path / "cache"
    )
    assert done.exit_code == 1
    assert "pairs.txt, line 2: 'nonsense' is not a pair" in done.stderr


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
