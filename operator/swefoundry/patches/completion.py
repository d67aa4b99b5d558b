"""Completion of patches whose end was stripped: the newline of the last line, and blank context lines.

``str.strip()`` takes both from a patch, and git calls the rest corrupt. What is added is certain: the hunk's header
says how many lines are missing on both sides, and git applies the hunk only where those lines are blank.
"""

import io
from dataclasses import dataclass

from swefoundry.patches.parsed_patch import FileDiff, Hunk
from swefoundry.patches.patch_parser import GIT_HEADER, parse_patch
from swefoundry.text.plurals import pluralize


@dataclass(frozen=True)
class CompletedPatch:
    """A patch as it is applied, judged and exported; ``notes`` say what was added."""

    content: bytes
    notes: tuple[str, ...] = ()


def complete_patch(data: bytes) -> CompletedPatch:
    """The patch with the newline and the blank context lines that were stripped from the end of a diff in it."""
    notes = []
    if not data.endswith(b"\n"):
        data += b"\n"
        notes.append("had no newline at its end, which git rejects; one was added")
    lines = io.BytesIO(data).readlines()
    for file in reversed(parse_patch(data).files):
        hunk = _last_hunk(file, lines)
        if hunk is None:
            continue
        ended_here = bool(notes) and file.end == len(lines)
        if hunk.missing_old > 0 or ended_here:
            lines[file.end - 1] = _with_ending(hunk, lines[file.end - 1])
        if hunk.missing_old > 0:
            lines[file.end : file.end] = [_with_ending(hunk, b" \n")] * hunk.missing_old
            notes.append(
                f"lacked {pluralize(hunk.missing_old, 'blank context line')} at the end of the hunk at line "
                f"{hunk.line}; completed"
            )
    return CompletedPatch(b"".join(lines), tuple(notes))


def _last_hunk(file: FileDiff, lines: list[bytes]) -> Hunk | None:
    """The last hunk of a diff, when it lacks equally many lines on both sides, or none, and no other text follows."""
    hunk = file.hunks[-1] if file.hunks else None
    if hunk is None or not hunk.body or hunk.missing_old != hunk.missing_new or hunk.missing_old < 0:
        return None
    at_end = file.end == len(lines) or lines[file.end].startswith(GIT_HEADER)
    return hunk if at_end and hunk.changes_lines else None


def _with_ending(hunk: Hunk, line: bytes) -> bytes:
    """The line with the ending of the hunk's other lines: a strip takes the carriage return, too."""
    others = hunk.body[:-1]
    crlf = bool(others) and all(other.endswith(b"\r\n") for other in others) and not line.startswith(b"\\")
    return line.rstrip(b"\r\n") + b"\r\n" if crlf else line
