"""What packs, objects and refs of git hold. Pure.

A clean tree has one commit, which intake writes with a fixed author and no parent, and perhaps a tag on it. Every other
commit is history. https://git-scm.com/docs/pack-format
"""

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator

from swefoundry.errors import PermanentError

_ID = re.compile(rb"\b[0-9a-f]{40}\b")
_PSEUDO_REFS = ("HEAD", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD")
_NO_ID = "0" * 40
_TYPES = {1: b"commit", 2: b"tree", 3: b"blob", 4: b"tag"}
_OFFSET_DELTA, _REF_DELTA = 6, 7
_CHUNK = 1 << 16
_INFLATED_BYTES = 1 << 30
"""Of one pack: the limit of sources is larger, but their deltas are not applied here."""
_KEPT_BYTES = 1 << 20
"""Of one commit or tag."""
_CLEAN_COMMIT = re.compile(
    rb"tree [0-9a-f]{40}\nauthor swefoundry <swefoundry@localhost> 315619200 \+0000\n"
    rb"committer swefoundry <swefoundry@localhost> 315619200 \+0000\n\n"
)


class BrokenPack(PermanentError):
    """A pack that cannot be read."""


def is_ref(path: str) -> bool:
    """Whether a file of a repository (its path below .git) is a ref, a list of refs or a reflog."""
    return path.startswith(("refs/", "logs/")) or path in ("packed-refs", *_PSEUDO_REFS)


def ids_in(content: bytes) -> frozenset[str]:
    """The ids of objects that a ref, a list of refs or a reflog names."""
    return frozenset(found.decode() for found in _ID.findall(content)) - {_NO_ID}


def index_ids(content: bytes) -> Iterator[str]:
    """The ids in the index of a pack (version 2); none when it is something else."""
    if not content.startswith(b"\xfftOc\x00\x00\x00\x02") or len(content) < 1032:
        return
    (count,) = struct.unpack_from(">I", content, 8 + 255 * 4)
    names = content[1032 : 1032 + 20 * count]
    for start in range(0, len(names) - 19, 20):
        yield names[start : start + 20].hex()


def object_id(kind: bytes, data: bytes) -> str:
    """The id of an object."""
    return hashlib.sha1(b"%s %d\0" % (kind, len(data)) + data, usedforsecurity=False).hexdigest()


def is_foreign(kind: bytes, data: bytes) -> bool:
    """Whether a commit is any other than one of a clean tree."""
    return kind == b"commit" and _CLEAN_COMMIT.match(data) is None


def commits_and_tags(path: str, content: bytes) -> list[tuple[bytes, bytes]]:
    """Commits and tags in a pack or in a file of one object; ``BrokenPack`` when a pack cannot be read."""
    if path.endswith(".pack"):
        return [(kind, data) for kind, data in _packed(content) if kind in (b"commit", b"tag")]
    kind, data = loose_object(content)
    return [(kind, data)] if kind in (b"commit", b"tag") else []


def loose_object(content: bytes) -> tuple[bytes, bytes]:
    """Type and data of an object that is a file of its own; empty when it is none."""
    try:
        plain = zlib.decompressobj().decompress(content, _KEPT_BYTES)
    except zlib.error:
        return b"", b""
    header, _, data = plain.partition(b"\0")
    return header.partition(b" ")[0], data


def _packed(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Every object that is no delta. A delta of a commit has a commit below it, which is none."""
    if not content.startswith(b"PACK") or len(content) < 12:
        raise BrokenPack("is no pack")
    (count,) = struct.unpack_from(">I", content, 8)
    at, inflated, view = 12, 0, memoryview(content)
    for _ in range(count):
        kind, at = _object_header(content, at)
        data, at, size = _inflate(view, at, _INFLATED_BYTES - inflated)
        inflated += size
        if kind in _TYPES:
            yield _TYPES[kind], data


def _object_header(content: bytes, at: int) -> tuple[int, int]:
    try:
        byte, at = content[at], at + 1
        kind = byte >> 4 & 7
        while byte & 0x80:
            byte, at = content[at], at + 1
        if kind == _OFFSET_DELTA:
            while content[at] & 0x80:
                at += 1
            at += 1
    except IndexError as error:
        raise BrokenPack("ends early") from error
    return kind, at + (20 if kind == _REF_DELTA else 0)


def _inflate(view: memoryview, at: int, limit: int) -> tuple[bytes, int, int]:
    """Start of the data, the position after it, and its size."""
    unpacker, kept, size = zlib.decompressobj(), b"", 0
    pending: bytes | memoryview = b""
    while not unpacker.eof:
        if not pending:
            pending, at = view[at : at + _CHUNK], at + _CHUNK
        try:
            part = unpacker.decompress(pending, _CHUNK)
        except zlib.error as error:
            raise BrokenPack("has an object that cannot be read") from error
        size += len(part)
        if size > limit or (not part and not unpacker.eof and at >= len(view)):
            raise BrokenPack("is too large, or ends early")
        kept = kept + part if len(kept) < _KEPT_BYTES else kept
        pending = unpacker.unconsumed_tail
    return kept, min(at, len(view)) - len(unpacker.unused_data), size
