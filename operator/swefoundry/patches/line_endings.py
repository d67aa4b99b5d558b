"""Explanation of hunks that do not fit because line endings differ: a patch with CRLF against LF, or the reverse."""

from itertools import islice

from swefoundry.patches.parsed_patch import FileDiff

_MAX_PLACES = 1000
"""A file of a million equal lines must not cost a comparison for each."""


def ending_mismatch(file: FileDiff, content: bytes) -> str | None:
    """A message, when a hunk of ``file`` would fit into ``content`` but for its line endings."""
    have = [line.rstrip(b"\r") for line in content.split(b"\n")]
    for hunk in file.hunks:
        expected = hunk.old_lines
        if not expected or _ends_alike(expected, content):
            continue
        if _contains(have, [line.rstrip(b"\r\n") for line in expected], hunk.old_start - 1):
            return (
                f"its lines end with {_ending(b''.join(expected))}, those of the file with {_ending(content)}: "
                "it was made from another checkout, or converted (core.autocrlf, an editor). Convert it back"
            )
    return None


def _ends_alike(expected: list[bytes], content: bytes) -> bool:
    """Whether the lines are in the file as they are."""
    return b"".join(expected) in content


def _contains(lines: list[bytes], part: list[bytes], guess: int) -> bool:
    places = (at for at, line in enumerate(lines) if line == part[0])
    tried = [guess, *islice(places, _MAX_PLACES)]
    return any(at >= 0 and lines[at : at + len(part)] == part for at in tried)


def _ending(text: bytes) -> str:
    crlf, newlines = text.count(b"\r\n"), text.count(b"\n")
    if crlf == 0:
        return "LF"
    return "CRLF" if crlf == newlines else "both CRLF and LF"
