"""Hostile archives, tested once for all callers: nothing is touched outside, and limits hold while reading."""

import bz2
import gzip
import io
import lzma
import os
import struct
import tarfile
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_limits import ArchiveLimits
from swefoundry.archives.archive_policy import ExtractPolicy, GitPolicy, LinkPolicy, UnsafePolicy
from swefoundry.archives.extract import extract
from unit.archives.archive_writers import (
    WRITERS,
    Entry,
    file,
    folder,
    hard_link,
    link,
    special,
    tar,
    zipped,
)

POLICY = ExtractPolicy(ArchiveLimits(unpacked_bytes=8 << 20, members=100))
SOURCE = replace(POLICY, links=LinkPolicy.ANYWHERE, git=GitPolicy.KEEP)
SKIPPING = replace(POLICY, unsafe=UnsafePolicy.SKIP)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder beside the one that archives are extracted into, with a file that must survive."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_bytes(b"kept")
    return folder


def extracted(tmp_path: Path, archive: bytes, policy: ExtractPolicy = POLICY) -> Path:
    path, root = tmp_path / "archive", tmp_path / "root"
    path.write_bytes(archive)
    extract(path, root, policy)
    return root


def require_rejected(tmp_path: Path, archive: bytes, message: str, policy: ExtractPolicy = POLICY) -> None:
    with pytest.raises(ArchiveRejected, match=message):
        extracted(tmp_path, archive, policy)


UNSAFE: dict[str, tuple[Sequence[Entry], str]] = {
    "an absolute name": ([file("/etc/x")], "absolute"),
    "a name that climbs": ([file("p/../../outside/x")], "leads out of it"),
    "a name that climbs and returns": ([file("p/../x")], "leads out of it"),
    "a folder that climbs": ([folder("../outside/new")], "leads out of it"),
    "a device": ([special("p/null", tarfile.CHRTYPE)], "is a device"),
    "a pipe": ([special("p/pipe", tarfile.FIFOTYPE)], "is a device"),
    "a link to an absolute place": ([link("p/l", "/etc/passwd")], "leads out of it"),
    "a link that climbs": ([link("p/d/l", "../../../outside")], "leads out of it"),
    "links that climb together": (
        [link("p/d/up", ".."), link("p/out", "d/up/../../outside"), file("p/d/f")],
        "leads out of it",
    ),
    "a link below a link": ([link("l", "../outside"), link("l/kept", "x")], "leads out of it"),
    "a link below a link that stays inside": (
        [folder("d"), link("l", "d"), link("l/x", "y")],
        "leads out of it",
    ),
    "a link without a target": ([link("l", "")], "without a target"),
    "a link with a very long target": ([link("l", "x/" * 2000)], "without a target"),
    "a very long name": ([file("/".join(["a" * 200] * 20))], "more than 256 folders or 3072 bytes"),
    "a part that is too long": ([file("a" * 256)], "a part of more than 255 bytes"),
    "very deep folders": ([file("a/" * 257 + "b")], "more than 256 folders"),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@pytest.mark.parametrize(("entries", "message"), UNSAFE.values(), ids=UNSAFE.keys())
class TestUnsafeMembers:
    def test_reject_the_archive(
        self,
        entries: Sequence[Entry],
        message: str,
        write: Callable[..., bytes],
        tmp_path: Path,
        outside: Path,
    ) -> None:
        require_rejected(tmp_path, write(*entries), message)
        assert_untouched(tmp_path, outside)

    def test_or_are_left_out(
        self,
        entries: Sequence[Entry],
        message: str,
        write: Callable[..., bytes],
        tmp_path: Path,
        outside: Path,
    ) -> None:
        root = extracted(tmp_path, write(file("good"), *entries), SKIPPING)
        assert (root / "good").is_file()
        assert not any(
            path.is_symlink() and not path.resolve().is_relative_to(root.resolve())
            for path in root.rglob("*")
        )
        assert_untouched(tmp_path, outside)


def assert_untouched(tmp_path: Path, outside: Path) -> None:
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_bytes() == b"kept"
    assert {path.name for path in tmp_path.iterdir()} == {"archive", "root", "outside"}


CONFLICTS: dict[str, tuple[Sequence[Entry], str]] = {
    "a file that is a folder": ([file("p/a"), file("p/a/b")], "as a file and as a folder"),
    "a folder that is a file": ([file("p/a/b"), file("p/a")], "as a file and as a folder"),
    "a file below a link": ([link("l", "../outside"), file("l/x")], "as a link and as a folder"),
    "a folder in a link's place": ([link("l", "x"), folder("l/d")], "as a link and as a folder"),
}


@pytest.mark.parametrize("policy", [POLICY, SOURCE, SKIPPING], ids=["foreign", "source", "skipping"])
@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
@pytest.mark.parametrize(("entries", "message"), CONFLICTS.values(), ids=CONFLICTS.keys())
def test_members_that_contradict_each_other_reject_the_archive(
    entries: Sequence[Entry],
    message: str,
    write: Callable[..., bytes],
    policy: ExtractPolicy,
    tmp_path: Path,
    outside: Path,
) -> None:
    require_rejected(tmp_path, write(*entries), message, policy)
    assert_untouched(tmp_path, outside)


@pytest.mark.parametrize("target", ["p/missing", "/etc/passwd", "../outside/kept", "p/l"])
def test_hard_links_are_copies_of_members_alone(tmp_path: Path, outside: Path, target: str) -> None:
    entries = [folder("p"), link("p/l", "../../outside/kept"), hard_link("p/h", target)]
    with pytest.raises(ArchiveRejected):
        extracted(tmp_path, tar(*entries), replace(POLICY, links=LinkPolicy.ANYWHERE))
    assert_untouched(tmp_path, outside)


def test_links_of_a_source_may_lead_anywhere_but_nothing_is_written_through_them(
    tmp_path: Path, outside: Path
) -> None:
    root = extracted(tmp_path, tar(link("out", "../outside"), link("far", "/etc")), SOURCE)
    assert os.readlink(root / "out") == "../outside"
    assert_untouched(tmp_path, outside)


@pytest.mark.parametrize("name", [".git/config", ".git", ".GIT/config"])
def test_a_source_has_no_links_in_its_git_folder(tmp_path: Path, name: str) -> None:
    require_rejected(tmp_path, tar(link(name, "../a"), file("a")), "leads out of it", SOURCE)


def test_links_in_a_circle_do_no_harm(tmp_path: Path) -> None:
    root = extracted(tmp_path, tar(link("a", "b"), link("b", "a")))
    assert os.readlink(root / "a") == "b"


def test_a_chain_of_links_that_recurses_is_rejected(tmp_path: Path) -> None:
    chain = [link(f"l{number}", f"l{number + 1}") for number in range(3000)]
    policy = replace(POLICY, limits=ArchiveLimits(8 << 20, 5000))
    require_rejected(tmp_path, tar(*chain), "recursion", policy)


# Too much: by size, by count, by headers


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_an_archive_that_unpacks_to_too_much_is_stopped_on_the_way(
    tmp_path: Path, write: Callable[..., bytes]
) -> None:
    archive = write(*(file(f"p/{number}", bytes(1 << 20)) for number in range(20)))
    assert len(archive) < 100_000
    require_rejected(tmp_path, archive, "unpacks to more than 8 MiB")
    assert sum(path.stat().st_size for path in (tmp_path / "root/p").iterdir()) <= 9 << 20


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_one_huge_file_is_stopped_on_the_way(tmp_path: Path, write: Callable[..., bytes]) -> None:
    require_rejected(tmp_path, write(file("zeros", bytes(20 << 20))), "unpacks to more than 8 MiB")
    assert (tmp_path / "root/zeros").stat().st_size <= 9 << 20


def test_copies_of_hard_links_count(tmp_path: Path) -> None:
    copies = [hard_link(f"h{number}", "a") for number in range(20)]
    require_rejected(tmp_path, tar(file("a", bytes(1 << 20)), *copies), "unpacks to more than 8 MiB")


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS.keys())
def test_members_count_even_when_they_are_left_out(tmp_path: Path, write: Callable[..., bytes]) -> None:
    archive = write(*(file(f".git/{number}") for number in range(101)))
    require_rejected(tmp_path, archive, "more than 100 members")


def test_a_size_that_is_claimed_and_not_there_is_not_unpacked(tmp_path: Path) -> None:
    info = tarfile.TarInfo("sparse")
    info.size = 1 << 40
    require_rejected(tmp_path, gzip.compress(info.tobuf() + bytes(10 << 20)), "unpacks to more than 8 MiB")


def test_a_hole_in_a_sparse_file_counts(tmp_path: Path) -> None:
    info = tarfile.TarInfo("hole")
    info.type, info.size = tarfile.GNUTYPE_SPARSE, 0
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"00000000000\000000000000\0"
    header[483:495] = b"10000000000\0"  # 1 GiB of zeros
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    require_rejected(tmp_path, gzip.compress(bytes(header) + bytes(10240)), "unpacks to more than 8 MiB")


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_huge_header_is_not_read(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, 1 << 30
    archive = gzip.compress(info.tobuf(tarfile.GNU_FORMAT) + bytes(4 << 20))
    require_rejected(tmp_path, archive, "header of more than")


def test_headers_that_follow_headers_are_counted_together(tmp_path: Path) -> None:
    one = tarfile.TarInfo("././@LongLink")
    one.type, one.size = tarfile.GNUTYPE_LONGNAME, 8192
    headers = (one.tobuf(tarfile.GNU_FORMAT) + b"x" * 8192) * 200
    require_rejected(tmp_path, gzip.compress(headers), "header of more than")


def test_global_headers_are_not_collected(tmp_path: Path) -> None:
    data = b""
    for number in range(200):
        info = tarfile.TarInfo(f"f{number}")
        data += tarfile.TarInfo.create_pax_global_header({f"key{number}": "x"}) + info.tobuf()
    require_rejected(
        tmp_path,
        gzip.compress(data + bytes(10240)),
        "more than 100 global headers",
        replace(POLICY, limits=ArchiveLimits(8 << 20, 1000)),
    )


def test_the_directory_of_a_zip_is_limited(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as written:
        for number in range(3000):
            written.writestr(f"{number}{'x' * 400}", b"")
    require_rejected(tmp_path, data.getvalue(), "directory of more than")


def test_the_target_of_a_zips_link_is_not_read_as_a_whole(tmp_path: Path) -> None:
    require_rejected(tmp_path, zipped(link("l", "x" * (20 << 20))), "without a target")


# Broken and odd


def encrypted() -> bytes:
    data = bytearray(zipped(file("a", b"secret")))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + offset] |= 1
    return bytes(data)


def of_unknown_compression() -> bytes:
    data = bytearray(zipped(file("a", b"x")))
    for signature, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        struct.pack_into("<H", data, data.index(signature) + offset, 77)
    return bytes(data)


def of_a_bad_number() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as written:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"GNU.sparse.map": "many"}
        written.addfile(info)
    return data.getvalue()


MANY = bytes(range(256)) * 999

BROKEN: dict[str, bytes] = {
    "no archive": b"<html>not found</html>",
    "nothing": b"",
    "a cut tar": tar(file("a", MANY), compression="")[:5000],
    "a cut gzip": tar(file("a", MANY))[:-30],
    "a broken gzip": gzip.compress(b"x" * 99)[:12] + b"broken" * 9,
    "a broken bzip2": bz2.compress(MANY)[:20] + b"broken" * 999,
    "a broken xz": lzma.compress(MANY)[:20] + b"broken" * 999,
    "gzip of something else": gzip.compress(b"no tar at all" * 100),
    "a cut zip": zipped(file("a", MANY))[:200],
    "a zip with other content than its checksum": zipped(file("a", b"abc")).replace(b"a", b"b", 1),
    "an encrypted zip": encrypted(),
    "a zip of an unknown compression": of_unknown_compression(),
    "a number that is none": of_a_bad_number(),
}


@pytest.mark.parametrize("archive", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_archive_is_rejected_and_nothing_else_is_raised(tmp_path: Path, archive: bytes) -> None:
    require_rejected(tmp_path, archive, "cannot be read as tar or zip")


def test_names_that_are_no_utf_8_survive(tmp_path: Path) -> None:
    root = extracted(tmp_path, tar(file("na\udcffme", b"1"), link("l", "na\udcffme")))
    assert os.listdir(os.fsencode(root)) in ([b"na\xffme", b"l"], [b"l", b"na\xffme"])
    assert (root / "l").read_bytes() == b"1"


def test_a_name_that_no_file_system_can_store_is_rejected(tmp_path: Path) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w", format=tarfile.PAX_FORMAT) as written:
        info = tarfile.TarInfo("a")
        info.pax_headers = {"path": "a\0b"}
        written.addfile(info)
    require_rejected(tmp_path, data.getvalue(), "absolute or impossible name")
