"""What is in the source tree? The only door to its files: every path of a model or a file list passes here.

A path is followed to where it really leads (links included) and must end inside the tree, at a regular file or a
folder. Nothing is written, nothing outside is opened, and every read has a limit. Listings are sorted by name, so that
the same tree always gives the same answers.
"""

import errno
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BINARY_PROBE_BYTES = 8192
"""A NUL among the first bytes says that a file is no text, as for git."""


class InvalidPath(Exception):
    """A path that is not given out; the message is for the model."""


@dataclass(frozen=True)
class RepoEntry:
    """A name in a folder."""

    path: str
    kind: str
    """file, folder or link."""
    size: int = 0
    target: str = ""
    """Of a link, as it is written."""


class RepoTree:
    """A source tree on disk, read only."""

    def __init__(self, root: Path) -> None:
        self._root = os.path.realpath(root)

    @cached_property
    def entries(self) -> tuple[RepoEntry, ...]:
        """Everything in the tree, folders before what is in them, sorted; links are not followed."""
        return tuple(self._walk(""))

    @property
    def files(self) -> Iterator[str]:
        """The paths of regular files, sorted."""
        return (entry.path for entry in self.entries if entry.kind == "file")

    def resolve_folder(self, path: str) -> str:
        """The canonical path, inside the tree, of a folder; the root's is empty."""
        found = self._resolve(path)
        if not os.path.isdir(found):
            raise InvalidPath(f"{path} is no folder; use read for files")
        return "" if found == self._root else os.path.relpath(found, self._root)

    def head(self, path: str, limit: int) -> bytes:
        """The first bytes of a regular file."""
        found = self._resolve(path)
        if os.path.isdir(found):
            raise InvalidPath(f"{path} is a folder; use list")
        # Not blocking: opening a named pipe would wait for its other end for ever.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(found, flags)
        except OSError as error:
            raise _invalid_path(path, error) from error
        with os.fdopen(descriptor, "rb") as handle:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise InvalidPath(f"{path} is no regular file")
            return handle.read(limit)

    def size(self, path: str) -> int:
        """Bytes of a file."""
        return os.stat(self._resolve(path)).st_size

    def _resolve(self, path: str) -> str:
        if "\0" in path:
            raise InvalidPath("a path may hold no NUL character")
        if os.path.isabs(path):
            raise InvalidPath(
                f"{path} is absolute; paths are relative to the root of the repository, which is `.`"
            )
        wanted = os.path.join(self._root, path)
        found = os.path.realpath(wanted)
        if found != self._root and not found.startswith(self._root + os.sep):
            # Before it is asked whether anything is there: that, too, is nobody's business.
            raise InvalidPath(f"{path} leads out of the repository, and only the repository may be read")
        try:
            return os.path.realpath(wanted, strict=True)
        except (OSError, ValueError) as error:
            raise _invalid_path(path, error) from error

    def _walk(self, folder: str) -> Iterator[RepoEntry]:
        with os.scandir(os.path.join(self._root, folder)) as found:
            children = sorted(found, key=lambda each: os.fsencode(each.name))
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
    """Whether a file that begins like this is no text."""
    return b"\0" in head[:BINARY_PROBE_BYTES]


def decode_text(data: bytes) -> str:
    """File content as text."""
    return data.decode("utf-8", "replace")


def _invalid_path(path: str, error: OSError | ValueError) -> InvalidPath:
    number = error.errno if isinstance(error, OSError) else None
    if number in (errno.ENOENT, errno.ENOTDIR):
        return InvalidPath(f"{path} does not exist; use list or find to see what does")
    if number == errno.ELOOP:
        return InvalidPath(f"{path} is a link that leads round in a circle")
    if number == errno.ENAMETOOLONG:
        return InvalidPath("the path is too long")
    return InvalidPath(f"{path} cannot be read")
