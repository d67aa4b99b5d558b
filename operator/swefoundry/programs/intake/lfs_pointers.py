"""Pointer files of Git LFS: small files that stand for large ones, which are on another server. Pure."""

import re
from dataclasses import dataclass

POINTER_VERSION = "version https://git-lfs.github.com/spec/v1"
MAX_POINTER_BYTES = 1024
"""The specification's limit: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md"""

_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:(?P<oid>[0-9a-f]{64})\n"
    rb"size (?P<size>[0-9]{1,15})\n"
)


@dataclass(frozen=True)
class LfsPointer:
    """What a pointer file says, and its own content."""

    oid: str
    size: int
    content: bytes


def parse_pointer(content: bytes) -> LfsPointer | None:
    """The pointer; None for any other file."""
    match = _POINTER.fullmatch(content)
    return None if match is None else LfsPointer(match["oid"].decode(), int(match["size"]), content)
