"""Extraction of well-formed archives: formats, modes, repeated names, stripping, .git, and times."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from swefoundry.archives.archive_limits import FOREIGN_LIMITS
from swefoundry.archives.archive_policy import SOURCE_POLICY, ExtractPolicy, GitPolicy
from swefoundry.archives.extract import extract
from unit.archives.archive_writers import WRITERS, Entry, file, folder, hard_link, link, tar, zipped

POLICY = ExtractPolicy(FOREIGN_LIMITS)

TREE = (
    folder("p"),
    folder("p/empty"),
    file("p/a", b"a"),
    file("p/run.sh", b"#!", mode=0o755),
    link("p/l", "run.sh"),
    file("p/.git/config", b"x"),
    file("p/sub/.Git", b"x"),
)

FORMATS: dict[str, Callable[[], bytes]] = {
    "tar": lambda: tar(*TREE, compression=""),
    "tar.gz": lambda: tar(*TREE),
    "tar.bz2": lambda: tar(*TREE, compression="bz2"),
    "tar.xz": lambda: tar(*TREE, compression="xz"),
    "zip": lambda: zipped(*TREE),
}


def extracted(tmp_path: Path, archive: bytes, policy: ExtractPolicy = POLICY) -> Path:
    path, root = tmp_path / "archive", tmp_path / "root"
    path.write_bytes(archive)
    extract(path, root, policy)
    return root


def listing(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*"))


@pytest.mark.parametrize("write", FORMATS.values(), ids=FORMATS.keys())
def test_every_format_is_extracted_without_git_folders(tmp_path: Path, write: Callable[[], bytes]) -> None:
    root = extracted(tmp_path, write())
    assert listing(root) == ["p", "p/a", "p/empty", "p/l", "p/run.sh"]
    assert [root.joinpath("p", name).stat().st_mode & 0o777 for name in ("a", "run.sh")] == [0o644, 0o755]
    assert os.readlink(root / "p/l") == "run.sh"


def test_git_folders_are_kept_when_asked(tmp_path: Path) -> None:
    root = extracted(tmp_path, tar(*TREE), replace(POLICY, git=GitPolicy.KEEP))
    assert (root / "p/.git/config").read_bytes() == (root / "p/sub/.Git").read_bytes() == b"x"


@pytest.mark.parametrize(
    ("strip", "names"), [(0, ["p", "p/d", "p/d/a"]), (1, ["d", "d/a"]), (2, ["a"]), (3, [])]
)
def test_leading_folders_are_stripped(tmp_path: Path, strip: int, names: list[str]) -> None:
    root = extracted(tmp_path, tar(file("top"), file("p/d/a")), replace(POLICY, strip_components=strip))
    assert [name for name in listing(root) if name != "top"] == names


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@pytest.mark.parametrize(
    ("entries", "is_link"),
    [
        ([file("a", b"old"), file("a", b"new")], False),
        ([link("a", "b"), file("a", b"new")], False),
        ([file("b", b"new"), file("a", b"old"), link("a", "b")], True),
    ],
    ids=["two files", "a link, then a file", "a file, then a link"],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_of_two_members_with_one_name_the_later_one_counts(
    tmp_path: Path, entries: list[Entry], is_link: bool, write: Callable[..., bytes]
) -> None:
    root = extracted(tmp_path, write(*entries))
    assert ((root / "a").read_bytes(), (root / "a").is_symlink()) == (b"new", is_link)


def test_a_hard_link_becomes_a_file_of_its_own(tmp_path: Path) -> None:
    root = extracted(tmp_path, tar(file("a", b"x", mode=0o755), hard_link("b", "a")))
    assert ((root / "b").read_bytes(), (root / "b").stat().st_nlink) == (b"x", 1)
    assert (root / "b").stat().st_mode & 0o777 == 0o755


def test_names_may_begin_with_a_dot_and_repeat_slashes(tmp_path: Path) -> None:
    assert listing(extracted(tmp_path, tar(folder("./"), file("./p//a")))) == ["p", "p/a"]


def test_times_are_kept_when_asked(tmp_path: Path) -> None:
    entries = (folder("d", mtime=10), file("d/a", mtime=20), link("d/l", "a", mtime=30))
    root = extracted(tmp_path, tar(*entries), replace(SOURCE_POLICY, keep_times=True))
    assert [path.lstat().st_mtime for path in (root / "d", root / "d/a", root / "d/l")] == [10, 20, 30]


def test_the_folder_must_be_new(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    with pytest.raises(FileExistsError):
        extracted(tmp_path, tar(file("a")))
