"""Source archives that no intake wrote: each is refused with a sentence, and nothing is written for it."""

import gzip
import tarfile
from pathlib import Path

import pytest

from swefoundry.oci.deterministic_tar import RegularFile, pack_folder
from swefoundry.programs.checkout.source_tree import UnusableSource, read_tree
from unit.programs.checkout.archive_files import a_tar, member, source_archive

ODD = {
    "an absolute name": ([member("/etc/passwd")], "no path inside"),
    "a name that leads out": ([member("d", tarfile.DIRTYPE), member("d/../../x")], "no path inside"),
    "a name with a dot": ([member("./a")], "no path inside"),
    "the same name twice": ([member("a"), member("a")], "a is in the source twice"),
    "a file below a link": ([member("l", tarfile.SYMTYPE, "/etc"), member("l/passwd")], "in no folder"),
    "a file below a file": ([member("f"), member("f/a")], "in no folder"),
    "a file in a folder that is not listed": ([member("d/a")], "in no folder"),
    "a hard link": (
        [member("a"), member("b", tarfile.LNKTYPE, "a")],
        "neither file, folder nor symbolic link",
    ),
    "a device": ([member("null", tarfile.CHRTYPE)], "neither file, folder nor symbolic link"),
    "a pipe": ([member("pipe", tarfile.FIFOTYPE)], "neither file, folder nor symbolic link"),
}


@pytest.mark.parametrize(("members", "said"), ODD.values(), ids=ODD.keys())
def test_an_odd_entry_refuses_the_archive(tmp_path: Path, members: list[tarfile.TarInfo], said: str) -> None:
    with pytest.raises(UnusableSource, match=said):
        read_tree(a_tar(tmp_path / "odd.tar.gz", *members))


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bomb = source_archive(tmp_path / "bomb.tar.gz", {b"zeros": RegularFile(bytes(3 << 20))})
    assert bomb.stat().st_size < 10_000
    with pytest.raises(UnusableSource, match="more than 2 MiB"):
        read_tree(bomb, limit=2 << 20)


def test_a_header_that_fills_the_memory_is_refused(tmp_path: Path) -> None:
    info = member("x" * (2 << 20))
    with pytest.raises(UnusableSource, match="header of more than"):
        read_tree(a_tar(tmp_path / "long.tar.gz", info))


@pytest.mark.parametrize(
    "content",
    [b"", b"no archive", gzip.compress(b"no tar at all" * 100, mtime=0)],
    ids=["nothing", "something else", "something else, compressed"],
)
def test_what_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(content)
    with pytest.raises(UnusableSource, match="cannot be read"):
        read_tree(broken)


def test_an_archive_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    whole = source_archive(tmp_path / "whole", {b"a": RegularFile(bytes(range(256)) * 1000)}).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UnusableSource, match="cannot be read"):
        read_tree(tmp_path / "cut")


def test_a_packed_folder_is_read_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "d/empty").mkdir(parents=True)
    (root / "d/run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "d/run.sh").chmod(0o755)
    (root / "link").symlink_to("/nowhere")
    pack_folder(root, tmp_path / "tree.tar.gz")
    kinds = {
        path: (thing.kind.value, thing.executable)
        for path, thing in read_tree(tmp_path / "tree.tar.gz").items()
    }
    assert kinds == {
        b"d": ("folder", False),
        b"d/empty": ("folder", False),
        b"d/run.sh": ("file", True),
        b"link": ("symbolic link", False),
    }
