"""Parser of patches: reads what ``git apply`` reads, and notes the lines of changes that it would skip.

Hunks end where the numbers of their header say, as for git. Lines between diffs (mail headers, commit messages) are
skipped; those of them that look like a change are kept as ``SkippedLine``.
"""

import io
import re
from dataclasses import dataclass, field

from swefoundry.patches.file_names import NOWHERE, split_name, split_names, unquote
from swefoundry.patches.parsed_patch import FileDiff, Hunk, ParsedPatch, SkippedKind, SkippedLine

GIT_HEADER = b"diff --git "
_HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_SIGNATURE = re.compile(rb"-- ?\r?\n?")
_BINARY = b"GIT binary patch"

_SKIPPED: tuple[tuple[SkippedKind, re.Pattern[bytes]], ...] = (
    (SkippedKind.COLOURED, re.compile(rb"(?:\x1b\[[0-9;]*m)+(?:diff |--- |\+\+\+ |@@ )")),
    (SkippedKind.COMBINED, re.compile(rb"diff --(?:cc|combined) |@@@+ -\d")),
    (SkippedKind.CONTEXT_DIFF, re.compile(rb"\*{15}\s*$")),
    (
        SkippedKind.SUBMODULE_LOG,
        re.compile(rb"Submodule \S+ (?:[0-9a-f]{7,40}\.{2,3}[0-9a-f]{7,40}|contains (?:un|modi))"),
    ),
    (SkippedKind.ONLY_IN_ONE, re.compile(rb"Only in \S+: \S+\s*$")),
    (SkippedKind.BINARY, re.compile(rb"(?:Binary files|Files) \S.* and \S.* differ\s*$")),
)


def parse_patch(data: bytes) -> ParsedPatch:
    """The diffs of a patch, in its order."""
    return _Parser(io.BytesIO(data).readlines()).parse()


@dataclass
class _Header:
    """What the lines before a diff's first hunk say."""

    names: tuple[bytes, bytes] | None = None
    old: bytes | None = None
    new: bytes | None = None
    has_names: bool = False
    moves: dict[bytes, bytes] = field(default_factory=dict)
    modes: set[bytes] = field(default_factory=set)
    added: bool = False
    deleted: bool = False
    mode_changes: bool = False

    def sides(self) -> tuple[bytes | None, bytes | None]:
        """Names of both sides, None for the one that does not exist."""
        old, new = (self.old, self.new) if self.has_names else self.names or (None, None)
        return None if self.added else old, None if self.deleted else new

    def moved(self) -> tuple[bytes, bytes] | None:
        for kind in (b"rename", b"copy"):
            if (old := self.moves.get(kind + b" from")) and (new := self.moves.get(kind + b" to")):
                return old, new
        return None


class _Parser:
    def __init__(self, lines: list[bytes]) -> None:
        self._lines = lines
        self._at = 0
        self._files: list[FileDiff] = []
        self._skipped: list[SkippedLine] = []

    def parse(self) -> ParsedPatch:
        while self._at < len(self._lines):
            if self._line().startswith(GIT_HEADER):
                self._file(_Header(names=split_names(self._line()[len(GIT_HEADER) :])), git=True)
            elif self._line().startswith(b"--- ") and self._line(1).startswith(b"+++ "):
                self._file(_Header(), git=False)
            else:
                self._skip()
        return ParsedPatch(tuple(self._files), tuple(self._skipped))

    def _line(self, ahead: int = 0) -> bytes:
        at = self._at + ahead
        return self._lines[at] if at < len(self._lines) else b""

    def _skip(self) -> None:
        text = self._line()
        for kind, pattern in _SKIPPED:
            if pattern.match(text):
                self._note(kind)
                break
        self._at += 1

    def _note(self, kind: SkippedKind) -> None:
        self._skipped.append(SkippedLine(self._at + 1, kind, self._line().rstrip(b"\r\n")))

    def _file(self, header: _Header, git: bool) -> None:
        start = self._at
        if git:
            self._at += 1
            while _read_extended_header(header, self._line()):
                self._at += 1
        if self._line().startswith(b"--- ") and self._line(1).startswith(b"+++ "):
            header.old, header.new = _side(self._line()), _side(self._line(1))
            header.has_names = True
            self._at += 2
        binary, hunks = self._binary(), self._hunks()
        old, new = header.sides()
        moved = header.moved()
        self._files.append(
            FileDiff(
                line=start,
                end=self._at,
                old=old,
                new=new,
                header=header.names,
                moved=moved,
                copied=moved is not None and b"copy from" in header.moves,
                modes=frozenset(header.modes),
                metadata=header.added or header.deleted or header.mode_changes or moved is not None,
                binary=binary,
                hunks=hunks,
            )
        )

    def _binary(self) -> bool:
        """Whether binary data follow; they end with an empty line for each direction."""
        if not self._line().startswith(_BINARY):
            return False
        self._at += 1
        start = self._at
        while self._line().startswith((b"literal ", b"delta ")):
            while self._line().strip():
                self._at += 1
            self._at += 1
        return self._at > start

    def _hunks(self) -> tuple[Hunk, ...]:
        hunks = []
        while (match := _HUNK.match(self._line())) is not None:
            hunks.append(self._hunk(match))
        if hunks and self._goes_on():
            self._note(SkippedKind.HUNK_TOO_LONG)
        return tuple(hunks)

    def _hunk(self, header: re.Match[bytes]) -> Hunk:
        line, old, new = self._at + 1, int(header[2] or 1), int(header[4] or 1)
        self._at += 1
        start = self._at
        while (old > 0 or new > 0) and (kind := self._line()[:1]) and kind in b" -+\n\\":
            old -= kind in b" -\n"
            new -= kind in b" +\n"
            self._at += 1
        if self._line().startswith(b"\\"):
            self._at += 1
        return Hunk(line, int(header[1]), tuple(self._lines[start : self._at]), old, new)

    def _goes_on(self) -> bool:
        """Whether the line after a hunk looks like one more line of it."""
        line = self._line()
        if line.startswith(b"--- ") and self._line(1).startswith(b"+++ "):
            return False
        return line.startswith((b"+", b"-", b" ")) and _SIGNATURE.fullmatch(line) is None


def _side(line: bytes) -> bytes | None:
    name = split_name(line[4:])[0]
    return None if name == NOWHERE else name


_MODE_LINES = (b"old mode ", b"new mode ", b"deleted file mode ", b"new file mode ")
_MOVE_LINES = (b"rename from ", b"rename to ", b"copy from ", b"copy to ")
_OTHER_LINES = (b"similarity index ", b"dissimilarity index ")


def _read_extended_header(header: _Header, line: bytes) -> bool:
    """Take an extended header line of git into ``header``; False when it is none."""
    text = line.rstrip(b"\r\n")
    if line.startswith(_MODE_LINES):
        header.modes.add(text.rpartition(b" ")[2])
        header.added |= line.startswith(b"new file")
        header.deleted |= line.startswith(b"deleted file")
        header.mode_changes = True
    elif line.startswith(_MOVE_LINES):
        kind, _, name = text.partition(b" ")
        which, _, name = name.partition(b" ")
        header.moves[kind + b" " + which] = unquote(name[1:-1]) if name.startswith(b'"') else name
    elif line.startswith(b"index "):
        mode = text.split(b" ")[2:]
        header.modes.update(mode)
    elif not line.startswith(_OTHER_LINES):
        return False
    return True
