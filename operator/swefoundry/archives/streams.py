"""File objects below tarfile and zipfile that end hostile archives early: by position, and by the size of headers."""

import bz2
import gzip
import lzma
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_limits import DIRECTORY_BYTES_PER_MEMBER, HEADER_BYTES, ArchiveLimits, Quota

_DECOMPRESSORS: tuple[tuple[bytes, Callable[[Path], object]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
    (b"", lambda path: path.open("rb")),
)


def is_zip(archive: Path) -> bool:
    """Whether the file begins as a zip does. Its end is not asked: a tar may have a zip as its last member."""
    return _magic(archive).startswith(b"PK")


@contextmanager
def decompressed(archive: Path) -> Iterator[BinaryIO]:
    """The tar inside: of gzip, bzip2, xz or no compression, by its first bytes."""
    magic = _magic(archive)
    opener = next(opener for start, opener in _DECOMPRESSORS if magic.startswith(start))
    with cast(BinaryIO, opener(archive)) as stream:
        yield stream


def _magic(archive: Path) -> bytes:
    with archive.open("rb") as raw:
        return raw.read(6)


class TarStream:
    """A decompressed tar whose position is limited, and within ``reading_header`` the bytes that are read."""

    def __init__(self, stream: BinaryIO, quota: Quota) -> None:
        self._stream = stream
        self._quota = quota
        self._header_left: int | None = HEADER_BYTES

    @contextmanager
    def reading_header(self) -> Iterator[None]:
        """tarfile reads all headers of one member: extensions recurse and sparse maps have no end of their own."""
        self._header_left = HEADER_BYTES
        yield
        self._header_left = None

    def read(self, size: int = -1) -> bytes:
        """As a file does; a read without a size, or larger than any header, is hostile: content is read in pieces."""
        if size < 0 or size > HEADER_BYTES:
            raise _header_too_large()
        data = self._stream.read(size)
        if self._header_left is not None:
            self._header_left -= len(data)
            if self._header_left < 0:
                raise _header_too_large()
        self._quota.require_below(self._stream.tell())
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        """As a file does; a position beyond the limit is refused before anything is decompressed for it."""
        if whence == 0:
            self._quota.require_below(position)
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        """As a file does."""
        return self._stream.tell()


class ZipStream:
    """A zip file whose directory, the one thing that zipfile reads in one piece, is limited."""

    def __init__(self, stream: BinaryIO, limits: ArchiveLimits) -> None:
        self._stream = stream
        self._largest = max(HEADER_BYTES, limits.members * DIRECTORY_BYTES_PER_MEMBER)

    def read(self, size: int = -1) -> bytes:
        """As a file does."""
        if size > self._largest:
            raise ArchiveRejected(f"the archive has a directory of more than {self._largest} bytes")
        return self._stream.read(size)

    def seek(self, position: int, whence: int = 0) -> int:
        """As a file does."""
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        """As a file does."""
        return self._stream.tell()

    def seekable(self) -> bool:
        """As a file does."""
        return True


def _header_too_large() -> ArchiveRejected:
    return ArchiveRejected(f"the archive has a header of more than {HEADER_BYTES} bytes")
