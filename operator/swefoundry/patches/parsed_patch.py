"""A patch as its text says it: files with their hunks, and the lines that git apply would skip without a word."""

import re
from dataclasses import dataclass
from enum import StrEnum

_SUBPROJECT = re.compile(rb"[-+]Subproject commit (?P<commit>[0-9a-f]{40})(?P<dirty>-dirty)?\s*")

GITLINK_MODE = b"160000"
"""Mode of a tree's entry that names a commit of a submodule."""


class SkippedKind(StrEnum):
    """Kinds of lines outside the diffs that git apply reads. Each stands for a change that git apply leaves out."""

    COMBINED = "combined diff"
    COLOURED = "colour codes"
    CONTEXT_DIFF = "context diff"
    SUBMODULE_LOG = "submodule log"
    ONLY_IN_ONE = "file in one folder only"
    BINARY = "binary file without data"
    HUNK_TOO_LONG = "lines after the end of a hunk"


@dataclass(frozen=True)
class SkippedLine:
    """A line outside all diffs that git apply reads."""

    line: int
    kind: SkippedKind
    text: bytes


@dataclass(frozen=True)
class Hunk:
    """A hunk. ``missing_*`` are the lines that the header announces and the body does not have."""

    line: int
    old_start: int
    body: tuple[bytes, ...]
    missing_old: int
    missing_new: int

    @property
    def changes_lines(self) -> bool:
        return any(line.startswith((b"+", b"-")) for line in self.body)

    @property
    def old_lines(self) -> list[bytes]:
        """The lines that the hunk expects in the file."""
        return [line[1:] or line for line in self.body if line[:1] in b" -\n"]


@dataclass(frozen=True)
class Gitlink:
    """A change of a submodule's commit; None for a side on which it does not exist."""

    path: bytes
    old: str | None
    new: str | None
    dirty: bool


@dataclass(frozen=True)
class FileDiff:
    """A diff of one file. Names have their prefixes; None stands for /dev/null."""

    line: int
    end: int
    """The line after the last one, both counted from 0."""
    old: bytes | None
    new: bytes | None
    header: tuple[bytes, bytes] | None
    """The names of the line ``diff --git``; None where there is none, or its names cannot be told apart."""
    moved: tuple[bytes, bytes] | None
    """The paths of a rename or a copy, which git writes without prefixes."""
    copied: bool
    modes: frozenset[bytes]
    metadata: bool
    """Whether mode, existence or name change."""
    binary: bool
    """Whether it has binary data."""
    hunks: tuple[Hunk, ...]

    @property
    def names(self) -> tuple[bytes | None, bytes | None]:
        """The pair of names that says most: the header has both names of a new file, too."""
        return self.header or (self.old, self.new)

    @property
    def path(self) -> bytes:
        """The path of the file after the patch, or of the deleted file."""
        if self.moved:
            return self.moved[1]
        names = [name for name in (self.old, self.new) if name is not None]
        return min(map(strip_one, names), key=len, default=b"")

    @property
    def touched(self) -> frozenset[bytes]:
        """The paths that the diff changes."""
        return frozenset(self.moved if self.moved and not self.copied else (self.path,))

    @property
    def adds(self) -> bool:
        return self.old is None

    @property
    def deletes(self) -> bool:
        return self.new is None and self.old is not None

    @property
    def gitlink(self) -> Gitlink | None:
        """The change of a submodule, if it is one."""
        if self.modes and GITLINK_MODE not in self.modes:
            return None
        lines = [line for hunk in self.hunks for line in hunk.body if line[:1] in b"+-"]
        found = [_SUBPROJECT.fullmatch(line) for line in lines[:3]]
        if not self.modes and not (found and all(found)):
            return None
        commits = {match[0][:1]: match["commit"].decode() for match in found if match}
        dirty = any(match["dirty"] for match in found if match)
        return Gitlink(self.path, commits.get(b"-"), commits.get(b"+"), dirty)

    @property
    def changes_something(self) -> bool:
        return self.metadata or self.binary or any(hunk.changes_lines for hunk in self.hunks)


@dataclass(frozen=True)
class ParsedPatch:
    """Every diff of a patch, and the lines that git apply skips."""

    files: tuple[FileDiff, ...]
    skipped: tuple[SkippedLine, ...]

    @property
    def is_diff(self) -> bool:
        return bool(self.files or self.skipped)

    @property
    def touched(self) -> frozenset[bytes]:
        return frozenset(path for file in self.files for path in file.touched)

    @property
    def gitlinks(self) -> list[Gitlink]:
        return [link for file in self.files if (link := file.gitlink)]

    def first_skipped(self, kind: SkippedKind) -> SkippedLine | None:
        return next((line for line in self.skipped if line.kind is kind), None)


def strip_one(name: bytes) -> bytes:
    """The name without its first component, as ``git apply -p1`` takes it."""
    return name.partition(b"/")[2] or name
