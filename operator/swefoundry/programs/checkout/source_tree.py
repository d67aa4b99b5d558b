"""Entries of a source tree's archive by path, with digests of their content. Anything unusual rejects the archive.

Sources are written by our own intake (``deterministic_tar.pack_folder``): each entry once, folders before what is in
them. An archive that is otherwise was not written by it.
"""

import hashlib
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from swefoundry.archives.archive_limits import SOURCE_LIMITS, ArchiveLimits, Quota
from swefoundry.archives.members import ArchiveMember, MemberKind, read_members
from swefoundry.errors import PermanentError

_CHUNK_BYTES = 1 << 16


class UnusableSource(PermanentError):
    """The archive is no source tree, or its tree cannot be written as a layer."""


class EntryKind(Enum):
    """What an entry is."""

    FILE = "file"
    LINK = "symbolic link"
    FOLDER = "folder"


_KINDS = {
    MemberKind.FILE: EntryKind.FILE,
    MemberKind.LINK: EntryKind.LINK,
    MemberKind.FOLDER: EntryKind.FOLDER,
}


class TreeEntry(NamedTuple):
    """What is compared of an entry: two are the same when nobody could tell them apart in a checkout."""

    kind: EntryKind
    sha256: bytes = b""
    """Of a file's content or a link's target."""
    executable: bool = False


SourceTree = Mapping[bytes, TreeEntry]
"""Every entry by path, folders included."""


def read_tree(archive: Path, limits: ArchiveLimits = SOURCE_LIMITS) -> dict[bytes, TreeEntry]:
    """All entries of an archive. ``ArchiveRejected`` when it is unsafe or cannot be read."""
    tree: dict[bytes, TreeEntry] = {}
    for path, member in source_members(archive, limits):
        folder = path.rpartition(b"/")[0]
        if path in tree:
            raise UnusableSource(f"{display_path(path)} is in the source twice")
        if folder and tree.get(folder, TreeEntry(EntryKind.FILE)).kind is not EntryKind.FOLDER:
            raise UnusableSource(f"{display_path(path)} is in no folder of the source")
        tree[path] = _tree_entry(path, member)
    return tree


def source_members(
    archive: Path, limits: ArchiveLimits = SOURCE_LIMITS
) -> Iterator[tuple[bytes, ArchiveMember]]:
    """The archive's members in spec, each with its path; content must be read before the next one is taken."""
    for member in read_members(archive, Quota(limits)):
        yield _path(member), member


def display_path(path: bytes) -> str:
    """A path for people."""
    return path.decode("utf-8", "backslashreplace")


def _path(member: ArchiveMember) -> bytes:
    path = member.name.encode("utf-8", "surrogateescape")
    if "/".join(member.parts) != member.name:
        raise UnusableSource(f"{display_path(path)!r} is not a path inside the source")
    return path


def _tree_entry(path: bytes, member: ArchiveMember) -> TreeEntry:
    kind = _KINDS.get(member.kind)
    if kind is None:
        raise UnusableSource(f"{display_path(path)} is neither file, folder nor symbolic link")
    if kind is EntryKind.FOLDER:
        return TreeEntry(kind)
    if kind is EntryKind.LINK:
        return TreeEntry(kind, hashlib.sha256(member.target.encode("utf-8", "surrogateescape")).digest())
    digest, content, size = hashlib.sha256(), member.open(), 0
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
        size += len(chunk)
    if size != member.size:
        raise UnusableSource(f"{display_path(path)} has {size} bytes, not {member.size} as the source says")
    return TreeEntry(kind, digest.digest(), member.executable)
