"""`swefoundry collect releases` for npm packages."""

import json
import tarfile
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest

from swefoundry.cli.releases.collecting import collect_pair
from swefoundry.cli.releases.describing import repository_name
from swefoundry.cli.releases.index import NoRelease, SourceArchive
from swefoundry.cli.releases.npm_registry import NpmRegistry
from swefoundry.cli.releases.pairs import BadPair, parse_pair
from swefoundry.cli.releases.splitting import NPM_TEST_GLOBS, ChangePart, path_classifier
from swefoundry.errors import PackageIndexUnavailable

ADDRESS = "https://npm.example/mirror"
PACKAGE = "@octo/calc"
PACKED = datetime(2022, 1, 11, 20, tzinfo=UTC)


class PackagePages:
    """A registry with two releases of one package."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.published = "2022-01-11T20:30:00.000Z"

    async def archive(self, package: str, version: str) -> SourceArchive:
        raise NoRelease(f"{package} {version}")

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        path = self._folder / archive.filename
        if archive.url == f"{ADDRESS}/@octo%2Fcalc":
            path.write_text(json.dumps(self._page()))
        elif archive.url.startswith(f"{ADDRESS}/@octo/calc/-/"):
            self._write_tarball(path, archive.filename.removesuffix(".tgz").removeprefix("calc-"))
        else:
            raise NoRelease(f"{archive.url} does not exist")
        return path, "e" * 64

    def _page(self) -> dict[str, object]:
        tarballs = {each: f"{ADDRESS}/@octo/calc/-/calc-{each}.tgz" for each in ("1.0.0", "1.0.1")}
        return {
            "versions": {version: {"dist": {"tarball": url}} for version, url in tarballs.items()},
            "time": dict.fromkeys(tarballs, self.published),
        }

    def _write_tarball(self, path: Path, version: str) -> None:
        manifest = json.dumps({"version": version, "repository": "github:octo/calc"})
        with tarfile.open(path, "w:gz") as tar:
            for name in ("package.json", "index.js", "test/calc.js"):
                text = manifest if name == "package.json" else f"// {version}\n"
                entry = tarfile.TarInfo(f"package/{name}")
                entry.size = len(text)
                entry.mtime = int(PACKED.timestamp()) + len(name)
                tar.addfile(entry, BytesIO(text.encode()))


@pytest.fixture
def pages(tmp_path: Path) -> PackagePages:
    return PackagePages(tmp_path)


@pytest.fixture
def registry(pages: PackagePages, monkeypatch: pytest.MonkeyPatch) -> NpmRegistry:
    monkeypatch.setenv("npm_config_registry", f"{ADDRESS}/")
    return NpmRegistry(pages)


async def test_a_pair_of_a_package_becomes_an_instance(registry: NpmRegistry) -> None:
    pair = parse_pair(f"npm:{PACKAGE}@1.0.0..1.0.1")
    instance = await collect_pair(pair, registry, path_classifier(NPM_TEST_GLOBS))
    assert (instance.instance_id, instance.repo, instance.version, instance.language, instance.created_at) == (
        "octo__calc-1.0.1", "octo/calc", "1.0.0", "javascript", datetime(2022, 1, 11, 20, 30, tzinfo=UTC),
    )  # fmt: skip
    assert instance.source == {
        "archive": {"url": f"{ADDRESS}/@octo/calc/-/calc-1.0.0.tgz", "sha256": "e" * 64, "stripComponents": 1}
    }
    assert (b"test/calc.js" in instance.gold, b"test/calc.js" in instance.tests) == (False, True)


async def test_a_release_of_a_mirror_is_as_old_as_its_newest_file(
    registry: NpmRegistry, pages: PackagePages
) -> None:
    pages.published = "2025-10-01T21:48:49.000Z"
    instance = await collect_pair(
        parse_pair(f"npm:{PACKAGE}@1.0.0..1.0.1"), registry, path_classifier(NPM_TEST_GLOBS)
    )
    assert instance.created_at == PACKED + timedelta(seconds=len("test/calc.js"))


async def test_a_release_that_the_registry_lacks_is_rejected_with_those_it_has(registry: NpmRegistry) -> None:
    with pytest.raises(
        NoRelease, match=r"@octo/calc 9\.9\.9 is not in the registry\. The last there: 1\.0\.0, 1"
    ):
        await registry.archive(PACKAGE, "9.9.9")


async def test_without_a_registry_the_message_names_the_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("npm_config_registry", raising=False)
    monkeypatch.delenv("NPM_CONFIG_REGISTRY", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageIndexUnavailable, match="set npm_config_registry to the address of one"):
        await NpmRegistry(PackagePages(tmp_path)).archive(PACKAGE, "1.0.0")


@pytest.mark.parametrize(
    ("text", "package", "short"),
    [("npm:qs@6.9.6..6.9.7", "qs", "qs"), ("npm:@octo/calc@1.0.0-rc.1..1.0.0", "@octo/calc", "calc")],
)
def test_a_pair_is_written_as_npm_writes_a_release(text: str, package: str, short: str) -> None:
    pair = parse_pair(text)
    assert (str(pair), pair.package, pair.short_name, pair.language) == (text, package, short, "javascript")


@pytest.mark.parametrize("text", ["npm:qs:6.9.6..6.9.7", "npm:qs@6.9.7..6.9.6", "npm:@octo@1.0.0..1.0.1"])
def test_other_texts_are_no_pairs(text: str) -> None:
    with pytest.raises(BadPair):
        parse_pair(text)


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ({"type": "git", "url": "git+https://github.com/octo/calc.git"}, "octo/calc"),
        ({"url": "git+ssh://git@github.com/octo/calc.git", "directory": "packages/x"}, "octo/calc"),
        ("git@gitlab.com:octo/calc.git", "octo/calc"),
        ("gitlab:octo/calc", "octo/calc"),
        ("octo/calc", "octo/calc"),
        (None, "releases/x"),
    ],
)
def test_the_repository_is_that_of_package_json(tmp_path: Path, repository: object, name: str) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x", "repository": repository}))
    assert repository_name(tmp_path, "x") == name


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("test/parse.js", ChangePart.TEST),
        ("src/__tests__/a.ts", ChangePart.TEST),
        ("lib/a.spec.mjs", ChangePart.TEST),
        ("test.js", ChangePart.TEST),
        ("lib/latest.js", ChangePart.FIX),
        ("package.json", ChangePart.FIX),
    ],
)  # fmt: skip
def test_folder_and_name_decide_what_a_test_is(path: str, part: ChangePart) -> None:
    assert path_classifier(NPM_TEST_GLOBS)(path) is part
