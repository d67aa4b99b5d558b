"""Write tar files whose bytes depend on the content alone: fixed order, owners, modes and times.

Three times, defined together because their order matters:

* ``TREE_MTIME``: files of the clean tree. Not before 1980-01-02, because zip files (wheels!) know no
  earlier year and local time may be up to a day behind UTC.
* ``OVERLAY_MTIME``: files that a stage replaces. It must differ from ``TREE_MTIME``: Python takes a
  ``.pyc`` for current when the source's time and size are the ones recorded in it, so that a fix which
  keeps a file's size would never run. It must be later, for tools that rebuild what is older than its
  source. Builds commit with time 0, so their products are older than both.
* ``checkout_mtime``: files of another commit, laid over an image that was built. Between the two, and drawn
  from the content: an image may see several checkouts, and a ``.pyc`` of one must not fit the next.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from swefoundry.contracts.digests import Digest

TREE_MTIME = 315_619_200
"""1980-01-02T00:00:00Z."""

OVERLAY_MTIME = TREE_MTIME + 86_400
"""1980-01-03T00:00:00Z."""


def checkout_mtime(sha256: bytes) -> int:
    """Return the mtime of a checkout's file with this content."""
    return TREE_MTIME + 1 + int.from_bytes(sha256[:8]) % (OVERLAY_MTIME - TREE_MTIME - 1)


_GZIP_LEVEL = 6


@dataclass(frozen=True)
class RegularFile:
    """A regular file; of the mode only the executable bit is kept, as in git."""

    content: bytes
    executable: bool = False


@dataclass(frozen=True)
class Symlink:
    """A symbolic link; its target is never followed."""

    target: bytes


@dataclass(frozen=True)
class Directory:
    """A directory entry."""


TarNode = RegularFile | Symlink | Directory


def tar_info(name: bytes, node: TarNode, mtime: int) -> tarfile.TarInfo:
    """Return the header of one entry: owned by root, without user names, with one of three modes."""
    info = tarfile.TarInfo(name.decode("utf-8", "surrogateescape"))
    info.mtime = mtime
    match node:
        case RegularFile(content, executable):
            info.size, info.mode = len(content), 0o755 if executable else 0o644
        case Symlink(target):
            info.type, info.mode = tarfile.SYMTYPE, 0o777
            info.linkname = target.decode("utf-8", "surrogateescape")
        case Directory():
            info.type, info.mode = tarfile.DIRTYPE, 0o755
    return info


def open_tar(stream: BinaryIO | gzip.GzipFile) -> tarfile.TarFile:
    """Open a tar for writing in GNU format, which keeps long names and names that are not UTF-8."""
    return tarfile.open(
        fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, encoding="utf-8", errors="surrogateescape"
    )


def pack_nodes(nodes: Iterable[tuple[bytes, TarNode]], mtime: int) -> tuple[bytes, Digest]:
    """Return a gzip tar of the nodes in their order, and the digest of the tar inside."""
    plain = io.BytesIO()
    with open_tar(plain) as tar:
        for name, node in nodes:
            tar.addfile(
                tar_info(name, node, mtime),
                io.BytesIO(node.content) if isinstance(node, RegularFile) else None,
            )
    data = plain.getvalue()
    return gzip.compress(data, _GZIP_LEVEL, mtime=0), "sha256:" + hashlib.sha256(data).hexdigest()


def pack_folder(root: Path, target: Path, mtime: int = TREE_MTIME) -> None:
    """Write a gzip tar of everything under ``root``, of any size, sorted by path, links as links."""
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as packed,
        open_tar(packed) as tar,
    ):
        for path in _walk(root):
            _add_path(tar, path, path.relative_to(root), mtime)


def _walk(folder: Path) -> Iterable[Path]:
    for path in sorted(folder.iterdir(), key=lambda p: str(p).encode("utf-8", "surrogateescape")):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _walk(path)


def _add_path(tar: tarfile.TarFile, path: Path, name: Path, mtime: int) -> None:
    name_bytes = str(name).encode("utf-8", "surrogateescape")
    if path.is_symlink():
        target = str(path.readlink()).encode("utf-8", "surrogateescape")
        tar.addfile(tar_info(name_bytes, Symlink(target), mtime))
    elif path.is_dir():
        tar.addfile(tar_info(name_bytes, Directory(), mtime))
    elif path.is_file():
        state = path.stat()
        info = tar_info(name_bytes, RegularFile(b"", bool(state.st_mode & 0o100)), mtime)
        info.size = state.st_size
        with path.open("rb") as content:
            tar.addfile(info, content)
