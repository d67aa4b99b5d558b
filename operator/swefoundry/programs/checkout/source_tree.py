"""What is in a source tree's archive? Its entries by path, with digests of their content; anything odd is refused.

Sources are written by our own intake (``store.tars.pack_folder``): each entry once, folders before what is in them. An
archive that is otherwise was not written by it.
"""

import gzip
import hashlib
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import IO, NamedTuple, cast

from swefoundry.errors import PermanentError

UNPACKED_BYTES = 4 << 30
"""As much as intake takes in."""
MEMBERS = 600_000
"""The 500,000 files that intake takes in, and folders."""
HEADER_BYTES = 1 << 20
"""One header (long names). Longer ones exist only to use up memory."""
_PIECE = 1 << 16


class UnusableSource(PermanentError):
    """The archive is no source tree, or its tree cannot be written as a layer."""


class EntryKind(Enum):
    """What an entry is."""

    FILE = "file"
    LINK = "symbolic link"
    FOLDER = "folder"


class TreeEntry(NamedTuple):
    """What is compared of an entry: two are the same when nobody could tell them apart in a checkout."""

    kind: EntryKind
    sha256: bytes = b""
    """Of a file's content or a link's target."""
    executable: bool = False


SourceTree = Mapping[bytes, TreeEntry]
"""Every entry by path, folders included."""


def read_tree(archive: Path, limit: int = UNPACKED_BYTES) -> dict[bytes, TreeEntry]:
    """All entries of an archive."""
    found: dict[bytes, TreeEntry] = {}
    with members(archive, limit) as each:
        for path, info, content in each:
            folder = path.rpartition(b"/")[0]
            if path in found:
                raise UnusableSource(f"{display_path(path)} is in the source twice")
            if folder and found.get(folder, TreeEntry(EntryKind.FILE)).kind is not EntryKind.FOLDER:
                raise UnusableSource(f"{display_path(path)} is in no folder of the source")
            if len(found) >= MEMBERS:
                raise UnusableSource(f"the source has more than {MEMBERS} entries")
            found[path] = _tree_entry(path, info, content)
    return found


SourceMember = tuple[bytes, tarfile.TarInfo, IO[bytes] | None]
"""Path, header, and a file's content, which must be read before the next member is taken."""


@contextmanager
def members(archive: Path, limit: int = UNPACKED_BYTES) -> Iterator[Iterator[SourceMember]]:
    """The archive's members in order; an archive that cannot be read is refused."""
    try:
        with gzip.open(archive, "rb") as plain:
            bounded = cast(IO[bytes], _Bounded(cast(IO[bytes], plain), limit))
            with tarfile.open(fileobj=bounded, mode="r:", encoding="utf-8", errors="surrogateescape") as tar:
                yield _members(tar)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, UnicodeError) as error:
        raise UnusableSource(f"the source cannot be read: {error}") from error


def display_path(path: bytes) -> str:
    """A path for people."""
    return path.decode("utf-8", "backslashreplace")


def _members(tar: tarfile.TarFile) -> Iterator[SourceMember]:
    for info in tar:
        yield _path(info.name), info, tar.extractfile(info) if info.isreg() else None
        # tarfile remembers every header that it has seen; half a million of them are too many.
        tar.members = []  # type: ignore[attr-defined]


def _path(name: str) -> bytes:
    path = name.encode("utf-8", "surrogateescape")
    if any(part in (b"", b".", b"..") for part in path.split(b"/")) or b"\0" in path:
        raise UnusableSource(f"{display_path(path)!r} is no path inside the source")
    return path


def _tree_entry(path: bytes, info: tarfile.TarInfo, content: IO[bytes] | None) -> TreeEntry:
    if info.isdir():
        return TreeEntry(EntryKind.FOLDER)
    if info.issym():
        target = info.linkname.encode("utf-8", "surrogateescape")
        return TreeEntry(EntryKind.LINK, hashlib.sha256(target).digest())
    if content is None or info.issparse():
        raise UnusableSource(f"{display_path(path)} is neither file, folder nor symbolic link")
    seen = hashlib.sha256()
    while piece := content.read(_PIECE):
        seen.update(piece)
    return TreeEntry(EntryKind.FILE, seen.digest(), bool(info.mode & 0o100))


class _Bounded:
    """A stream that refuses what only hostile archives need: huge headers, and ends that never come.

    tarfile reads a header's extension in one piece and a file's content in small ones, so one large read is a header.
    """

    def __init__(self, stream: IO[bytes], limit: int) -> None:
        self._stream = stream
        self._limit = limit

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > HEADER_BYTES:
            raise UnusableSource(f"the source has a header of more than {HEADER_BYTES} bytes")
        data = self._stream.read(size)
        self._check(self._stream.tell())
        return data

    def seek(self, position: int, whence: int = 0) -> int:
        if whence == 0:
            self._check(position)
        return self._stream.seek(position, whence)

    def tell(self) -> int:
        return self._stream.tell()

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise UnusableSource(f"the source unpacks to more than {self._limit >> 20} MiB")
