"""What is in a tar or zip archive? One stream of members for both; reading is bounded, nothing is written
here.
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import IO, BinaryIO, cast

from swefoundry.programs.intake.intake_errors import source_mismatch
from swefoundry.programs.intake.limits import ARCHIVE_HEADER_BYTES, UNPACKED_BYTES


class MemberKind(Enum):
    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"
    HARD_LINK = "hard link"
    OTHER = "device, pipe or the like"


@dataclass(frozen=True)
class ArchiveMember:
    """One entry; ``open`` gives the bytes of a file and may be called only before the next member is taken."""

    name: str
    kind: MemberKind
    executable: bool
    target: str
    open: Callable[[], IO[bytes]]


@contextmanager
def open_archive(archive: Path, limit: int = UNPACKED_BYTES) -> Iterator[Iterator[ArchiveMember]]:
    """The members of an archive, whatever its format; a broken archive is refused by name."""
    try:
        if _magic(archive).startswith(b"PK"):
            with zipfile.ZipFile(archive) as opened:
                yield _zip_members(opened)
        else:
            with _decompressed(archive) as stream:
                bounded = cast(IO[bytes], _Bounded(stream, limit))
                with tarfile.open(fileobj=bounded, mode="r:") as tar:
                    yield _tar_members(tar)
    except _BROKEN as error:
        raise source_mismatch(f"the archive cannot be read as tar or zip: {error}") from error


_BROKEN = (
    tarfile.TarError,
    zipfile.BadZipFile,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    UnicodeError,
    NotImplementedError,  # a compression that zipfile does not know
    RuntimeError,  # an encrypted zip member
)


class _Bounded:
    """A stream that refuses what only hostile archives need: huge headers, and ends that never come.

    tarfile reads a header's extension in one piece and a file's content in small ones, so one large read is
    a header.
    """

    def __init__(self, stream: BinaryIO, limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > ARCHIVE_HEADER_BYTES:
            raise source_mismatch(f"the archive has a header of more than {ARCHIVE_HEADER_BYTES} bytes")
        data = self._stream.read(size)
        self._check()
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        if whence == 0 and position > self._limit:
            raise source_mismatch(f"the archive unpacks to more than {self._limit >> 20} MiB")
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self) -> None:
        if self._stream.tell() > self._limit:
            raise source_mismatch(f"the archive unpacks to more than {self._limit >> 20} MiB")


def _magic(archive: Path) -> bytes:
    with archive.open("rb") as raw:
        return raw.read(6)


@contextmanager
def _decompressed(archive: Path) -> Iterator[BinaryIO]:
    openers: tuple[tuple[bytes, Callable[[Path], object]], ...] = (
        (b"\x1f\x8b", gzip.open),
        (b"BZh", bz2.open),
        (b"\xfd7zXZ\x00", lzma.open),
    )
    magic = _magic(archive)
    opener = next(
        (found for start, found in openers if magic.startswith(start)), lambda path: path.open("rb")
    )
    with cast(BinaryIO, opener(archive)) as stream:
        yield stream


def _tar_members(tar: tarfile.TarFile) -> Iterator[ArchiveMember]:
    for info in tar:

        def content(info: tarfile.TarInfo = info) -> IO[bytes]:
            return cast(IO[bytes], tar.extractfile(info))

        yield ArchiveMember(info.name, _tar_kind(info), bool(info.mode & 0o100), info.linkname, content)
        # tarfile remembers every header it has seen; half a million of them are too many.
        tar.members = []  # type: ignore[attr-defined]


def _tar_kind(info: tarfile.TarInfo) -> MemberKind:
    kinds = (
        (info.isreg, MemberKind.FILE),
        (info.isdir, MemberKind.FOLDER),
        (info.issym, MemberKind.LINK),
        (info.islnk, MemberKind.HARD_LINK),
    )
    return next((kind for matches, kind in kinds if matches()), MemberKind.OTHER)


def _zip_members(opened: zipfile.ZipFile) -> Iterator[ArchiveMember]:
    for info in opened.infolist():
        mode = info.external_attr >> 16
        kind = (
            MemberKind.FOLDER if info.is_dir() else MemberKind.LINK if stat.S_ISLNK(mode) else MemberKind.FILE
        )
        target = opened.read(info).decode("utf-8", "surrogateescape") if kind is MemberKind.LINK else ""

        def content(info: zipfile.ZipInfo = info) -> IO[bytes]:
            return opened.open(info)

        yield ArchiveMember(info.filename, kind, bool(mode & 0o100), target, content)
