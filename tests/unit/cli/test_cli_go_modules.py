"""`swefoundry collect releases` for Go modules."""

import json
from datetime import UTC, datetime
from pathlib import Path
from zipfile import ZipFile

import pytest

from swefoundry.cli.releases.collecting import collect_pair
from swefoundry.cli.releases.go_proxy import GoProxy, escaped_path
from swefoundry.cli.releases.index import NoRelease, SourceArchive
from swefoundry.cli.releases.pairs import ReleasePair, parse_pair
from swefoundry.cli.releases.splitting import GO_TEST_GLOBS, path_classifier
from swefoundry.errors import PackageIndexUnavailable

MODULE = "github.com/Octo/calc/v2"
FILES = {
    "v2.0.0": {"go.mod": "module m\n", "calc.go": "package calc\n", "calc_test.go": "package calc\n"},
    "v2.0.1": {
        "go.mod": "module m\n",
        "calc.go": "package calc // 2\n",
        "calc_test.go": "package calc // 2\n",
    },
}


class Proxies:
    """Two module proxies; only the second has the module."""

    def __init__(self, folder: Path, module: str = MODULE) -> None:
        self._folder = folder
        self._module = module

    async def archive(self, package: str, version: str) -> SourceArchive:
        raise NoRelease(f"{package} {version}")

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        place = f"https://second.example/{escaped_path(self._module)}/@v/"
        version = archive.filename.rpartition(".")[0]
        if not archive.url.startswith(place) or version not in FILES:
            raise NoRelease(f"{archive.url} does not exist")
        path = self._folder / archive.filename
        if archive.url.endswith(".info"):
            path.write_text(json.dumps({"Version": version, "Time": "2023-06-01T12:00:00Z"}))
        else:
            with ZipFile(path, "w") as zip_file:
                for name, text in FILES[version].items():
                    zip_file.writestr(f"{self._module}@{version}/{name}", text)
        return path, "e" * 64


@pytest.fixture
def proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GoProxy:
    monkeypatch.setenv("GOPROXY", "https://first.example,https://second.example/|direct")
    return GoProxy(Proxies(tmp_path))


async def test_a_pair_of_a_module_becomes_an_instance(proxy: GoProxy) -> None:
    pair = parse_pair(f"go:{MODULE}@v2.0.0..v2.0.1")
    instance = await collect_pair(pair, proxy, path_classifier(GO_TEST_GLOBS))
    assert (instance.instance_id, instance.repo, instance.version, instance.language, instance.created_at) == (
        "Octo__calc-v2.0.1", "Octo/calc", "v2.0.0", "go", datetime(2023, 6, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    assert instance.source == {
        "archive": {
            "url": "https://second.example/github.com/!octo/calc/v2/@v/v2.0.0.zip",
            "sha256": "e" * 64,
            "stripComponents": 4,
        }
    }
    assert (b"calc_test.go" in instance.gold, b"calc_test.go" in instance.tests) == (False, True)


async def test_a_module_whose_path_names_no_repository_has_its_short_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "https://second.example")
    proxy = GoProxy(Proxies(tmp_path, "go.example.org/calc"))
    pair = parse_pair("go:go.example.org/calc@v2.0.0..v2.0.1")
    assert (await collect_pair(pair, proxy, path_classifier(GO_TEST_GLOBS))).repo == "releases/calc"


async def test_a_release_that_no_proxy_has_is_rejected(proxy: GoProxy) -> None:
    with pytest.raises(NoRelease, match=r"/v2\.0\.9\.info does not exist"):
        await proxy.archive(MODULE, "v2.0.9")


async def test_without_a_proxy_the_message_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOPROXY", "direct")
    with pytest.raises(PackageIndexUnavailable, match="set it to the address of one"):
        await GoProxy(Proxies(tmp_path)).archive(MODULE, "v2.0.0")


def test_capitals_are_escaped() -> None:
    assert escaped_path("github.com/BurntSushi/toml") == "github.com/!burnt!sushi/toml"


@pytest.mark.parametrize(
    ("module", "repo", "short"),
    [
        ("github.com/spf13/cobra", "spf13/cobra", "cobra"),
        ("github.com/Masterminds/semver/v3", "Masterminds/semver", "semver"),
        ("gopkg.in/yaml.v3", None, "yaml"),
        ("go.uber.org/zap", None, "zap"),
    ],
)
def test_names_of_a_module(module: str, repo: str | None, short: str) -> None:
    pair = ReleasePair(module, "v1.0.0", "v1.0.1", None, "go")
    assert (pair.repo_in_name, pair.short_name) == (repo, short)
