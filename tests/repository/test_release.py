"""The version is in all places that a release sets, and a release sets them alike."""

import re
import shutil
from pathlib import Path

import pytest

from release import VERSION, VERSION_PATTERNS, set_version, write_checksums
from swefoundry import __version__

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that a release changes."""
    for name in {name for name, _ in VERSION_PATTERNS} | {"CHANGELOG.md"}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def versions(root: Path) -> set[str]:
    """Every version that the files name at the places of a release."""
    return {
        found[0].removeprefix(found[1])
        for name, pattern in VERSION_PATTERNS
        for found in re.finditer(pattern, (root / name).read_text("utf-8"))
    }


def test_all_places_name_the_packages_version() -> None:
    assert versions(ROOT) == {__version__}


def test_a_release_sets_all_places(checkout: Path) -> None:
    set_version(checkout, "1.2.3-rc.1")
    assert versions(checkout) == {"1.2.3-rc.1"}


def test_unreleased_changes_get_a_heading_once(checkout: Path) -> None:
    set_version(checkout, "1.2.3")
    set_version(checkout, "1.2.3")
    headings = re.findall(r"^## \[(.*?)\]", (checkout / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[:2] == ["Unreleased", "1.2.3"] and headings.count("1.2.3") == 1


def test_a_file_that_lost_its_version_stops_the_release(checkout: Path) -> None:
    (checkout / "README.md").write_text("# swefoundry\n")
    with pytest.raises(SystemExit, match=r"README\.md does not name the version"):
        set_version(checkout, "1.2.3")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [("1.2.3", True), ("1.2.3-rc.1", True), ("v1.2.3", False), ("1.2", False), ("1.2.3 --images", False)],
)
def test_versions_are_semantic(text: str, allowed: bool) -> None:
    assert bool(VERSION.fullmatch(text)) is allowed


def test_checksums_are_as_sha256sum_reads_them(tmp_path: Path) -> None:
    (tmp_path / "chart.tgz").write_bytes(b"")
    write_checksums(tmp_path)
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert (tmp_path / "SHA256SUMS").read_text() == f"{empty}  chart.tgz\n"
