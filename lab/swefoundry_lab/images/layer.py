"""How does a folder become an OCI layer that has the same digest each time?

Entries are sorted, times are fixed, owners are numbers only, and gzip writes no name and no date.
"""

import gzip
import hashlib
import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

EPOCH = 1_600_000_000
"""The time of every file. Not 0: zip, and so building a wheel inside an image, refuses files from before 1980."""

CHUNK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """A compressed layer in a file, and what manifests and configs say of it."""

    path: Path
    digest: str
    diff_id: str
    size: int


class _Digesting:
    """A file to write to that knows the sha256 of what went through it."""

    def __init__(self, target: BinaryIO) -> None:
        self.target = target
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        self.hash.update(data)
        self.size += len(data)
        return self.target.write(data)

    def flush(self) -> None:
        self.target.flush()

    @property
    def digest(self) -> str:
        return f"sha256:{self.hash.hexdigest()}"


def write_layer(root: Path, target: Path, left_out: Callable[[str], bool] = lambda name: False) -> Layer:
    """Pack a folder's content into a gzip layer. `left_out` is asked with each path relative to the folder."""
    with target.open("wb") as file:
        packed = _Digesting(file)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=packed, mtime=0) as zipped:  # type: ignore[arg-type]
            plain = _Digesting(zipped)  # type: ignore[arg-type]
            with tarfile.open(mode="w|", fileobj=plain, format=tarfile.PAX_FORMAT, bufsize=CHUNK) as tar:  # type: ignore[arg-type]
                _add_all(tar, root, left_out)
    return Layer(target, packed.digest, plain.digest, packed.size)


def _add_all(tar: tarfile.TarFile, root: Path, left_out: Callable[[str], bool]) -> None:
    links: dict[tuple[int, int], str] = {}
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if left_out(name):
            continue
        info = _entry(path, name, links)
        if info.isreg():
            with path.open("rb") as content:
                tar.addfile(info, content)
        else:
            tar.addfile(info)


def _walk(folder: Path) -> Iterator[Path]:
    """Every path below a folder, parents first, in byte order, links not followed."""
    for entry in sorted(os.scandir(folder), key=lambda entry: os.fsencode(entry.name)):
        if stat.S_ISSOCK(entry.stat(follow_symlinks=False).st_mode):
            continue
        yield Path(entry.path)
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path))


def _entry(path: Path, name: str, links: dict[tuple[int, int], str]) -> tarfile.TarInfo:
    seen = path.lstat()
    info = tarfile.TarInfo(name)
    info.mode, info.uid, info.gid, info.mtime = stat.S_IMODE(seen.st_mode), seen.st_uid, seen.st_gid, EPOCH
    if stat.S_ISDIR(seen.st_mode):
        info.type = tarfile.DIRTYPE
    elif stat.S_ISLNK(seen.st_mode):
        info.type, info.linkname = tarfile.SYMTYPE, os.readlink(path)
    elif stat.S_ISCHR(seen.st_mode):
        info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, os.major(seen.st_rdev), os.minor(seen.st_rdev)
    elif seen.st_nlink > 1 and (first := links.setdefault((seen.st_dev, seen.st_ino), name)) != name:
        info.type, info.linkname = tarfile.LNKTYPE, first
    else:
        info.size = seen.st_size
    return info
