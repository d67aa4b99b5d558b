"""Safe read access to the source tree. Every path from a model or from a list of files is checked here.

A path is resolved, including links, and has to end inside the tree at a regular file or a folder. Nothing is written,
nothing outside is opened, and every read has a limit. Listings are sorted by name, so that the same tree always gives
the same results.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BINARY_PROBE_BYTES = 8192
"""A file with a NUL among its first bytes is binary, as for git."""


class InvalidPath(Exception):
    """A path that may not be read or does not exist. The message is for the model."""


@dataclass(frozen=True)
class RepoEntry:
    """An entry of a folder."""

    path: str
    kind: str
    """file, folder or link."""
    size: int = 0
    target: str = ""
    """Of a link, as stored in it."""


class RepoTree:
    """A source tree on disk, read-only."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    @cached_property
    def entries(self) -> tuple[RepoEntry, ...]:
        """All entries, sorted, a folder before its entries; links are not followed."""
        return tuple(self._walk(""))

    @property
    def files(self) -> Iterator[str]:
        """The paths of regular files, sorted."""
        return (entry.path for entry in self.entries if entry.kind == "file")

    def resolve_folder(self, path: str) -> str:
        """The canonical path of a folder, relative to the root; empty for the root."""
        resolved = self._resolve(path)
        if not os.path.isdir(resolved):
            raise InvalidPath(f"{path} is not a folder; use read for files")
        return "" if resolved == self._root else os.path.relpath(resolved, self._root)

    def head(self, path: str, limit: int) -> bytes:
        """The first bytes of a regular file."""
        resolved = self._resolve(path)
        if os.path.isdir(resolved):
            raise InvalidPath(f"{path} is a folder; use list")
        # O_NONBLOCK: opening a named pipe would wait for a writer.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(resolved, flags)
        except OSError as error:
            raise _invalid_path(path, error) from error
        with os.fdopen(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InvalidPath(f"{path} is not a regular file")
            return handle.read(limit)

    def size(self, path: str) -> int:
        """Size of a file in bytes."""
        return os.stat(self._resolve(path)).st_size

    def _resolve(self, path: str) -> str:
        if "\0" in path:
            raise InvalidPath("a path may hold no NUL character")
        if os.path.isabs(path):
            raise InvalidPath(
                f"{path} is absolute; paths are relative to the root of the repository, which is `.`"
            )
        joined = os.path.join(self._root, path)
        resolved = os.path.realpath(joined)
        if resolved != self._root and not resolved.startswith(self._root + os.sep):
            # Checked before existence, so that the error does not reveal what exists outside.
            raise InvalidPath(f"{path} leads out of the repository, and only the repository may be read")
        try:
            return os.path.realpath(joined, strict=True)
        except (OSError, ValueError) as error:
            raise _invalid_path(path, error) from error

    def _walk(self, folder: str) -> Iterator[RepoEntry]:
        with os.scandir(os.path.join(self._root, folder)) as entries:
            children = sorted(entries, key=lambda each: os.fsencode(each.name))
        for child in children:
            path = f"{folder}/{child.name}" if folder else child.name
            if child.is_symlink():
                yield RepoEntry(path, "link", target=os.readlink(child.path))
            elif child.is_dir(follow_symlinks=False):
                yield RepoEntry(path, "folder")
                yield from self._walk(path)
            elif child.is_file(follow_symlinks=False):
                yield RepoEntry(path, "file", child.stat(follow_symlinks=False).st_size)


def is_binary(head: bytes) -> bool:
    """Whether a file that begins with these bytes is binary."""
    return b"\0" in head[:BINARY_PROBE_BYTES]


def decode_text(data: bytes) -> str:
    """File content as text; invalid UTF-8 is replaced."""
    return data.decode("utf-8", "replace")


def _invalid_path(path: str, error: OSError | ValueError) -> InvalidPath:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        return InvalidPath(f"{path} does not exist; use list or find to see what does")
    if number == errno.ELOOP:
        return InvalidPath(f"{path} is part of a loop of links")
    if number == errno.ENAMETOOLONG:
        return InvalidPath("the path is too long")
    return InvalidPath(f"{path} cannot be read")
