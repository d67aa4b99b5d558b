"""The image layer that replaces the tree an image was built from by another one. The same rules as for stages.

Differences from ``oci.overlays``: trees of any size, straight from archives; folders count, because archives may
hold empty ones; and ``.git``, which is replaced whole. An opaque whiteout hides what the image has there, so that no
object of the parent's commit, nor anything that a build step left, is found in the new one's history.

What a build left beside the tree (compiled extensions, egg-info) stays, unless its folder is gone from the tree.
"""

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

from swefoundry.archives.members import ArchiveMember
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.oci.deterministic_tar import (
    TREE_MTIME,
    Directory,
    RegularFile,
    Symlink,
    TarNode,
    checkout_mtime,
    open_tar,
    tar_info,
)
from swefoundry.programs.checkout.source_tree import (
    EntryKind,
    SourceTree,
    TreeEntry,
    UnusableSource,
    display_path,
    source_members,
)

GIT = b".git"
_PREFIX = SOURCE_ROOT.lstrip("/").encode() + b"/"
_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_LEVEL = 6


@dataclass(frozen=True)
class TreeChanges:
    """What must be done to the parent's tree; paths are relative to its root."""

    written: frozenset[bytes]
    """Entries to take from the target tree: new or different ones."""
    removed: tuple[bytes, ...]
    """The topmost deleted entries, to white out."""
    added: int
    changed: int
    deleted: int
    """Files and links that are new, different, deleted; .git left out."""
    files: frozenset[bytes]
    """All of these."""


def compare_trees(parent: SourceTree, target: SourceTree) -> TreeChanges:
    """What must change for ``parent`` to become ``target``."""
    renewed = target.get(GIT) == TreeEntry(EntryKind.FOLDER)
    written = {
        path for path, entry in target.items() if parent.get(path) != entry or (renewed and _in_git(path))
    }
    removed = [
        path
        for path in parent.keys() - target.keys()
        if not (renewed and _in_git(path)) and _is_kept(path.rpartition(b"/")[0], target)
    ]
    for path in (*written, *removed):
        if any(part.startswith(_WHITEOUT) for part in path.split(b"/")):
            raise UnusableSource(
                f"{display_path(path)}: names that start with .wh. cannot be stored in an image layer"
            )
    old, new = _files(parent), _files(target)
    changed = {path for path in old & new if parent[path] != target[path]}
    return TreeChanges(
        written=frozenset(written),
        removed=tuple(sorted(removed)),
        added=len(new - old),
        changed=len(changed),
        deleted=len(old - new),
        files=frozenset((old ^ new) | changed),
    )


def _in_git(path: bytes) -> bool:
    return path == GIT or path.startswith(GIT + b"/")


def _is_kept(folder: bytes, target: SourceTree) -> bool:
    """Whether a folder is one in the target tree; what is in any other is deleted with it."""
    return not folder or target.get(folder) == TreeEntry(EntryKind.FOLDER)


def _files(tree: SourceTree) -> set[bytes]:
    return {path for path, entry in tree.items() if entry.kind is not EntryKind.FOLDER and not _in_git(path)}


@dataclass(frozen=True)
class WrittenLayer:
    """A layer on disk."""

    diff_id: Digest
    """Digest of the tar inside."""
    bytes: int
    """Of all files, unpacked."""


def write_layer(changes: TreeChanges, tree: SourceTree, archive: Path, target: Path) -> WrittenLayer:
    """Copy what changes from the target tree's archive into a layer: the same input gives the same bytes."""
    size = 0
    with target.open("wb") as raw, gzip.GzipFile("", "wb", _LEVEL, raw, mtime=0) as packed:
        tee = _DigestWriter(packed)
        with open_tar(cast(BinaryIO, tee)) as tar:
            for path in changes.removed:
                folder, slash, name = path.rpartition(b"/")
                _add(tar, folder + slash + _WHITEOUT + name, RegularFile(b""))
            for path, member in source_members(archive):
                if path in changes.written:
                    size += _copy(tar, path, tree[path], member)
        return WrittenLayer("sha256:" + tee.digest.hexdigest(), size)


def _copy(tar: tarfile.TarFile, path: bytes, entry: TreeEntry, member: ArchiveMember) -> int:
    """Write one entry; the size of its content."""
    match entry.kind:
        case EntryKind.FOLDER:
            _add(tar, path, Directory())
            if path == GIT:
                _add(tar, path + b"/" + _OPAQUE, RegularFile(b""))
            return 0
        case EntryKind.LINK:
            _add(tar, path, Symlink(member.target.encode("utf-8", "surrogateescape")))
            return 0
    header = tar_info(_PREFIX + path, RegularFile(b"", entry.executable), checkout_mtime(entry.sha256))
    header.size = member.size
    tar.addfile(header, cast(IO[bytes], member.open()))
    return member.size


def _add(tar: tarfile.TarFile, path: bytes, node: TarNode) -> None:
    tar.addfile(tar_info(_PREFIX + path, node, TREE_MTIME), io.BytesIO())


class _DigestWriter:
    """Writes through, and computes the digest of what is written."""

    def __init__(self, below: gzip.GzipFile) -> None:
        self._below = below
        self.digest = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._below.write(data)
