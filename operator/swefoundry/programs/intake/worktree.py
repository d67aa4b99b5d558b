"""List the work tree, and read the files that a stage's layer needs.

The index lists the files; the bytes come from the disk, so that they are what a checkout would give (line
endings that .gitattributes asks for included). Nothing is read through a link: git has no entries below
links.
"""

import os
import stat
from collections.abc import Iterable
from pathlib import Path

from swefoundry.git import Git
from swefoundry.oci.deterministic_tar import RegularFile, Symlink
from swefoundry.oci.overlays import GitBlob, TreeListing

_SUBMODULE = "160000"


async def worktree_listing(git: Git) -> TreeListing:
    """Every file and link of the index; submodules are empty folders and are left out."""
    listed = await git.run("ls-files", "--stage", "-z")
    listing: dict[bytes, GitBlob] = {}
    for line in filter(None, listed.split(b"\0")):
        fields, _, path = line.partition(b"\t")
        mode, oid, _ = fields.decode().split(" ")
        if mode != _SUBMODULE:
            listing[path] = GitBlob(mode, oid)
    return listing


def worktree_contents(root: Path, paths: Iterable[bytes]) -> dict[bytes, RegularFile | Symlink]:
    """The files and links at ``paths`` as they are on disk."""
    return {path: _content(os.path.join(os.fsencode(root), path)) for path in paths}


def _content(path: bytes) -> RegularFile | Symlink:
    mode = os.lstat(path).st_mode
    if stat.S_ISLNK(mode):
        return Symlink(os.readlink(path))
    return RegularFile(_bytes(path), executable=bool(mode & 0o100))


def read_file(root: Path, path: bytes) -> bytes:
    """A regular file of the index."""
    return _bytes(os.path.join(os.fsencode(root), path))


def _bytes(path: bytes) -> bytes:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as handle:
        return handle.read()
