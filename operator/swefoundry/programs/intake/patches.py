"""Apply a patch strictly, by ``git apply`` without fuzz or repair, and explain where it fails.

The one exception: a last line without its newline gets one. Data sets strip texts, and git would call the
patch corrupt.
"""

import re

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchedFile, PatchSet

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.git import Git, GitFailed
from swefoundry.programs.intake.intake_errors import IntakeRejected

_FAILED = re.compile(r"^error: patch failed: (?P<path>.*):(?P<line>\d+)$", re.MULTILINE)
_MAX_ERRORS_SHOWN = 300
"""Characters of a sentence or path: git repeats whole paths, and the advice after them must have room."""

_NONE = "No valid patches in input"
_HINTS = {
    ExitCode.TEST_PATCH_REFUSED: ". It is applied to spec.baseCommit as it is: was it made against that?",
    ExitCode.GOLD_PATCH_REFUSED: ". It is applied after the test patch: was it made against spec.baseCommit,"
    " and does it leave the files of the test patch alone?",
}
_NAMED_BYTES = 8 << 20
"""Naming the hunk parses the patch once more, which for larger ones takes longer than it is worth."""


async def apply_patch(git: Git, patch: bytes, name: str, code: ExitCode) -> None:
    """Apply a patch to work tree and index, or reject it with ``code``; messages call it ``name``."""
    if not patch.strip():
        raise IntakeRejected(code, f"the {name} patch is empty")
    whole = patch if patch.endswith(b"\n") else patch + b"\n"
    try:
        await git.run("update-index", "-q", "--refresh")
        await git.run("apply", "--index", "--binary", "--whitespace=nowarn", "-p1", "-", stdin=whole)
    except GitFailed as error:
        message = f"the {name} patch does not apply: {explain_failure(whole, error.stderr)}"
        raise IntakeRejected(code, f"{message}{_HINTS.get(code, '')}") from error


def explain_failure(patch: bytes, stderr: str) -> str:
    """git's own message, with the hunk that it is about."""
    message = "; ".join(_error_lines(stderr)) or "git gave no reason"
    failed = _FAILED.search(stderr)
    if failed is None:
        return message
    return f"{_short(failed['path'])}, {_hunk(patch, failed['path'], int(failed['line']))}: {message}"


def _error_lines(stderr: str) -> list[str]:
    lines = [line.removeprefix("error: ").removeprefix("fatal: ") for line in stderr.splitlines()]
    errors = [line for line in lines if line and not line.startswith(("Checking patch", "hint:"))]
    return ["it is not a unified diff" if line.startswith(_NONE) else _short(line) for line in errors][:4]


def _short(text: str) -> str:
    return text if len(text) <= _MAX_ERRORS_SHOWN else f"{text[:_MAX_ERRORS_SHOWN]}…"


def _hunk(patch: bytes, path: str, line: int) -> str:
    """``hunk 2 of 3 at line 10``: the hunk of ``path`` that starts there."""
    for file in _files(patch):
        starts = [hunk.source_start for hunk in file]
        if file.path == path and line in starts:
            return f"hunk {starts.index(line) + 1} of {len(starts)} at line {line}"
    return f"the hunk at line {line}"


def _files(patch: bytes) -> list[PatchedFile]:
    if len(patch) > _NAMED_BYTES:
        return []
    try:
        return list(PatchSet(patch.decode("utf-8", "replace")))
    except UnidiffParseError:
        return []
