"""Packs a folder as an OCI layer with a deterministic digest.

Entries are sorted, times are fixed, owners are numeric, and gzip writes no name and no date.
"""

import gzip
import hashlib
import io
import os
import shutil
import stat
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

EPOCH = 1_600_000_000
"""The time of every file. Not 0, because zip, and so the build of a wheel, refuses files older than 1980."""

CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A compressed layer in a file, with its fields for manifests and configs."""

    path: Path
    digest: str
    diff_id: str
    size: int


def pack_folder(root: Path, target: Path) -> Layer:
    """Pack a folder's content."""
    with _packed(target) as (packed, plain), tarfile.open(mode="w|", fileobj=plain) as tar:
        _add_all(tar, root)
    return Layer(target, packed.digest, plain.digest, packed.size)


def pack_tar(tar: Path, target: Path) -> Layer:
    """Compress a layer that is a tar archive already."""
    with _packed(target) as (packed, plain), tar.open("rb") as content:
        shutil.copyfileobj(content, plain, CHUNK)
    return Layer(target, packed.digest, plain.digest, packed.size)


class _Digesting(io.RawIOBase):
    """A writable file that computes the sha256 and size of the written data."""

    def __init__(self, target: IO[bytes] | gzip.GzipFile) -> None:
        self.target = target
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:  # type: ignore[override]  # tarfile and gzip write bytes
        self.hash.update(data)
        self.size += len(data)
        return self.target.write(data)

    @property
    def digest(self) -> str:
        return f"sha256:{self.hash.hexdigest()}"


@contextmanager
def _packed(target: Path) -> Iterator[tuple[_Digesting, _Digesting]]:
    """Open the target for writing; yields the compressed output and the uncompressed input, with a digest of each."""
    with target.open("wb") as file:
        packed = _Digesting(file)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=packed, mtime=0) as zipped:
            yield packed, _Digesting(zipped)


def _add_all(tar: tarfile.TarFile, root: Path) -> None:
    links: dict[tuple[int, int], str] = {}
    for path in _walk(root):
        info = _entry(path, path.relative_to(root).as_posix(), links)
        if info.isreg():
            with path.open("rb") as content:
                tar.addfile(info, content)
        else:
            tar.addfile(info)


def _walk(folder: Path) -> Iterator[Path]:
    """All paths below a folder except sockets, parents first, in byte order, without following links."""
    for entry in sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name)):
        if stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
            continue
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))


def _entry(path: Path, name: str, links: dict[tuple[int, int], str]) -> tarfile.TarInfo:
    status = path.lstat()
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = (
        stat.S_IMODE(status.st_mode),
        status.st_uid,
        status.st_gid,
        EPOCH,
    )
    if stat.S_ISDIR(status.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(status.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISFIFO(status.st_mode):
        info.type = tarfile.FIFOTYPE
    elif stat.S_ISCHR(status.st_mode):
        info.type = tarfile.CHRTYPE
        info.devmajor, info.devminor = os.major(status.st_rdev), os.minor(status.st_rdev)
    elif status.st_nlink > 1 and (first := links.setdefault((status.st_dev, status.st_ino), name)) != name:
        info.type, info.linkname = tarfile.LNKTYPE, first
    else:
        info.size = status.st_size
    return info
