"""Source archives that no intake wrote: each is refused with a sentence, and nothing is written for it."""

import tarfile
from pathlib import Path

import pytest

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.oci.deterministic_tar import RegularFile, pack_folder
from swefoundry.programs.checkout.source_tree import UnusableSource, read_tree
from unit.archives.archive_writers import file, special, tar
from unit.programs.checkout.archive_files import a_tar, member, source_archive

UNUSUAL = {
    "a name with a dot": ([member("./a")], "not a path inside"),
    "the same name twice": ([member("a"), member("a")], "a is in the source twice"),
    "a file below a link": ([member("l", tarfile.SYMTYPE, "/etc"), member("l/passwd")], "in no folder"),
    "a file below a file": ([member("f"), member("f/a")], "in no folder"),
    "a file in a folder that is not listed": ([member("d/a")], "in no folder"),
    "a hard link": (
        [member("a"), member("b", tarfile.LNKTYPE, "a")],
        "neither file, folder nor symbolic link",
    ),
}


@pytest.mark.parametrize(("members", "message"), UNUSUAL.values(), ids=UNUSUAL.keys())
def test_an_unusual_entry_rejects_the_archive(
    tmp_path: Path, members: list[tarfile.TarInfo], message: str
) -> None:
    with pytest.raises(UnusableSource, match=message):
        read_tree(a_tar(tmp_path / "odd.tar.gz", *members))


def test_an_archive_that_unpacks_to_too_much_is_refused_before_it_is_read(tmp_path: Path) -> None:
    bomb = source_archive(tmp_path / "bomb.tar.gz", {b"zeros": RegularFile(bytes(3 << 20))})
    assert bomb.stat().st_size < 10_000
    with pytest.raises(ArchiveRejected, match="more than 2 MiB"):
        read_tree(bomb, ArchiveLimits(unpacked_bytes=2 << 20, members=10))


UNSAFE = {
    "an absolute name": tar(file("/etc/passwd")),
    "a pipe": tar(special("pipe", tarfile.FIFOTYPE)),
    "no archive": b"no archive",
    "an archive that ends too early": tar(file("a", bytes(range(256)) * 1000))[:-30],
}


@pytest.mark.parametrize("content", UNSAFE.values(), ids=UNSAFE.keys())
def test_an_unsafe_or_broken_archive_is_rejected(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "archive").write_bytes(content)
    with pytest.raises(ArchiveRejected):
        read_tree(tmp_path / "archive")


def test_a_packed_folder_is_read_as_it_is(tmp_path: Path) -> None:
    root = tmp_path / "tree"
    (root / "d/empty").mkdir(parents=True)
    (root / "d/run.sh").write_bytes(b"#!/bin/sh\n")
    (root / "d/run.sh").chmod(0o755)
    (root / "link").symlink_to("/nowhere")
    pack_folder(root, tmp_path / "tree.tar.gz")
    kinds = {
        path: (entry.kind.value, entry.executable)
        for path, entry in read_tree(tmp_path / "tree.tar.gz").items()
    }
    assert kinds == {
        b"d": ("folder", False),
        b"d/empty": ("folder", False),
        b"d/run.sh": ("file", True),
        b"link": ("symbolic link", False),
    }
