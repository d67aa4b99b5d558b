"""`swefoundry collect releases` for crates."""

import io
import json
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from swefoundry.cli.releases.collecting import collect_pair
from swefoundry.cli.releases.crates import CrateIndex
from swefoundry.cli.releases.index import NoRelease, SourceArchive
from swefoundry.cli.releases.pairs import parse_pair
from swefoundry.cli.releases.splitting import CRATE_GENERATED_GLOBS, RUST_TEST_GLOBS, path_classifier
from swefoundry.errors import PackageIndexUnavailable

MANIFEST = '[package]\nname = "calc"\nrepository = "https://github.com/octo/calc"\n'
FILES = {
    "1.0.0": {"Cargo.toml": MANIFEST, "Cargo.lock": "# 1", "src/lib.rs": "// 1\n", "tests/api.rs": "// 1\n"},
    "1.0.1": {"Cargo.toml": MANIFEST, "Cargo.lock": "# 2", "src/lib.rs": "// 2\n", "tests/api.rs": "// 2\n"},
}
PLACE = "https://crates.example/api"


class Downloads:
    """The place that the registry names for its archives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def archive(self, package: str, version: str) -> SourceArchive:
        raise NoRelease(f"{package} {version}")

    async def fetch(self, archive: SourceArchive) -> tuple[Path, str]:
        version = archive.url.removeprefix(f"{PLACE}/calc/").removesuffix("/download")
        path = self._folder / archive.filename
        with tarfile.open(path, "w:gz") as tar:
            for name, text in FILES[version].items():
                member = tarfile.TarInfo(f"calc-{version}/{name}")
                member.size = len(text)
                tar.addfile(member, io.BytesIO(text.encode()))
        return path, archive.sha256


def an_index_page(*versions: str) -> bytes:
    """Return a page as cargo keeps it."""
    entries = [
        {"name": "calc", "vers": version, "cksum": "e" * 64, "pubtime": "2023-06-01T12:00:00Z"}
        for version in versions
    ]
    parts = [part for entry in entries for part in (entry["vers"].encode(), json.dumps(entry).encode())]
    return b"\x03\x02\0\0\0etag: 1\0" + b"\0".join(parts) + b"\0"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CrateIndex:
    """An index of which cargo has a copy; `cargo` only ends well."""
    registry = tmp_path / "cargo" / "registry" / "index" / "crates.example-0123456789abcdef"
    page = registry / ".cache" / "ca" / "lc" / "calc"
    page.parent.mkdir(parents=True)
    page.write_bytes(an_index_page("1.0.0", "1.0.1"))
    (registry / "config.json").write_text(json.dumps({"dl": PLACE}))
    program = tmp_path / "bin" / "cargo"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setenv("CARGO_HOME", str(tmp_path / "cargo"))
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    return CrateIndex(Downloads(tmp_path))


async def test_a_pair_of_a_crate_becomes_an_instance(index: CrateIndex) -> None:
    part_of = path_classifier(RUST_TEST_GLOBS, CRATE_GENERATED_GLOBS)
    instance = await collect_pair(parse_pair("crate:calc@1.0.0..1.0.1"), index, part_of)
    assert (instance.instance_id, instance.repo, instance.version, instance.language, instance.created_at) == (
        "octo__calc-1.0.1", "octo/calc", "1.0.0", "rust", datetime(2023, 6, 1, 12, tzinfo=UTC),
    )  # fmt: skip
    assert instance.source == {
        "archive": {"url": f"{PLACE}/calc/1.0.0/download", "sha256": "e" * 64, "stripComponents": 1}
    }
    assert (b"api.rs" in instance.tests, b"api.rs" in instance.gold, b"lib.rs" in instance.gold) == (
        True,
        False,
        True,
    )
    assert b"Cargo.lock" not in instance.gold + instance.tests


async def test_a_release_that_the_registry_does_not_have_is_rejected(index: CrateIndex) -> None:
    with pytest.raises(
        NoRelease, match=r"calc 2\.0\.0 is not in the registry\. The latest releases: 1\.0\.0, 1\.0\.1"
    ):
        await index.archive("calc", "2.0.0")


async def test_without_cargo_the_message_says_so(index: CrateIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(PackageIndexUnavailable, match="need cargo, which is not on PATH"):
        await index.archive("calc", "1.0.0")
