"""Source archives: the same folder makes the same bytes, and nothing but its content counts."""

import os
from pathlib import Path

from swefoundry.oci.deterministic_tar import TREE_MTIME, Directory, RegularFile, Symlink, pack_folder
from unit.oci.layer_rules import entries


def grown(root: Path, order: list[str]) -> Path:
    for name in order:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (root / "empty").mkdir()
    (root / "run.sh").chmod(0o777)
    (root / "link").symlink_to("/nowhere/at all")
    (root / "folder link").symlink_to("d")
    return root


NAMES = ["d/é.txt", "d/b", "d.txt", "run.sh", ".git/HEAD"]


def test_a_folder_is_packed_whole_with_links_as_links(tmp_path: Path) -> None:
    root = grown(tmp_path / "tree", NAMES)
    os.mkfifo(root / "pipe")
    pack_folder(root, tmp_path / "out.tar.gz")
    listed = entries((tmp_path / "out.tar.gz").read_bytes())
    assert {name: node for name, node, _ in listed} == {
        b".git": Directory(),
        b".git/HEAD": RegularFile(b".git/HEAD"),
        b"d": Directory(),
        b"d/b": RegularFile(b"d/b"),
        "d/é.txt".encode(): RegularFile("d/é.txt".encode()),
        b"d.txt": RegularFile(b"d.txt"),
        b"empty": Directory(),
        b"folder link": Symlink(b"d"),
        b"link": Symlink(b"/nowhere/at all"),
        b"run.sh": RegularFile(b"run.sh", executable=True),
    }
    assert {info.mtime for *_, info in listed} == {TREE_MTIME}


def test_two_folders_with_the_same_content_make_the_same_bytes(tmp_path: Path) -> None:
    pack_folder(grown(tmp_path / "one", NAMES), tmp_path / "one.tar.gz")
    pack_folder(grown(tmp_path / "two", NAMES[::-1]), tmp_path / "two.tar.gz")
    assert (tmp_path / "one.tar.gz").read_bytes() == (tmp_path / "two.tar.gz").read_bytes()
