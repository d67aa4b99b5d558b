"""Apply a patch strictly, by ``git apply`` without fuzz, and check that it changed what it names.

What git would take only in part is refused beforehand (``swefoundry.patches.rules``). The ends of stripped patches are
completed (``swefoundry.patches.completion``); everything else that git refuses is refused here, with file and hunk.
"""

import io
import re
from dataclasses import dataclass

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import PatchName
from swefoundry.git import Git, GitFailed
from swefoundry.oci.content import digest_of
from swefoundry.oci.overlays import TreeListing
from swefoundry.patches.completion import complete_patch
from swefoundry.patches.line_endings import ending_mismatch
from swefoundry.patches.parsed_patch import ParsedPatch
from swefoundry.patches.patch_parser import parse_patch
from swefoundry.patches.rules import refusal, shown_paths
from swefoundry.programs.intake.intake_errors import IntakeRejected

_FAILED = re.compile(r"^error: patch failed: (?P<path>.*):(?P<line>\d+)$", re.MULTILINE)
_MAX_ERRORS_SHOWN = 300
"""Characters of a message or path: git repeats whole paths, and the advice after them must have room."""

_NONE = "No valid patches in input"
_HINTS = {
    ExitCode.TEST_PATCH_REFUSED: ". It is applied to spec.baseCommit as it is: was it made against that?",
    ExitCode.GOLD_PATCH_REFUSED: ". It is applied after the test patch: was it made against spec.baseCommit,"
    " and does it leave the files of the test patch alone?",
}


@dataclass(frozen=True)
class ReadPatch:
    """A patch as it is applied, its name in messages, and the exit code for one that does not apply."""

    name: PatchName
    code: ExitCode
    content: bytes
    parsed: ParsedPatch
    notes: tuple[str, ...] = ()
    """What was completed."""
    given: bytes = b""
    """The patch as the spec has it."""

    @property
    def applied_by_git(self) -> bytes:
        """The patch without changes of submodules, which git would apply to gitlinks that the tree does not have."""
        links = [file for file in self.parsed.files if file.gitlink]
        if not links:
            return self.content
        lines = io.BytesIO(self.content).readlines()
        for file in reversed(links):
            del lines[file.line : file.end]
        return b"".join(lines) if len(links) < len(self.parsed.files) else b""

    @property
    def digest(self) -> Digest:
        return digest_of(self.content)


def read_patch(name: PatchName, code: ExitCode, data: bytes) -> ReadPatch:
    """Complete and parse a patch, or reject one of an unusable form."""
    if not data.strip():
        raise IntakeRejected(code, f"the {name} patch is empty")
    completed = complete_patch(data)
    parsed = parse_patch(completed.content)
    if (message := refusal(parsed)) is not None:
        raise IntakeRejected(ExitCode.PATCH_NOT_SUPPORTED, f"the {name} patch {message}")
    notes = tuple(f"the {name} patch {note}" for note in completed.notes)
    return ReadPatch(name, code, completed.content, parsed, notes, data)


async def apply_patch(git: Git, patch: ReadPatch) -> None:
    """Apply a patch to work tree and index, or reject it."""
    content = patch.applied_by_git
    if not content:
        return
    try:
        await git.run("update-index", "-q", "--refresh")
        await git.run("apply", "--index", "--binary", "--whitespace=nowarn", "-p1", "-", stdin=content)
    except GitFailed as error:
        explained = explain_failure(patch.parsed, error.stderr)
        eol = await _ending_mismatch(git, patch.parsed, error.stderr)
        hint = f". {eol}." if eol else _HINTS.get(patch.code, "")
        raise IntakeRejected(
            patch.code, f"the {patch.name} patch does not apply: {explained}{hint}"
        ) from error


def require_named_changes(patch: ReadPatch, before: TreeListing, after: TreeListing) -> None:
    """Reject a patch after which other files differ than those that it names."""
    changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    named = patch.parsed.touched
    submodules = {link.path for link in patch.parsed.gitlinks}
    changed = {_submodule_of(path, submodules) or path for path in changed}
    if changed == named:
        return
    differences = [
        f"it names {shown_paths(named - changed)}, unchanged afterwards" if named - changed else "",
        f"it changed {shown_paths(changed - named)}, which it does not name" if changed - named else "",
    ]
    message = "; ".join(filter(None, differences))
    raise IntakeRejected(
        ExitCode.PATCH_MISAPPLIED, f"the {patch.name} patch was not applied as it is written: {message}"
    )


def _submodule_of(path: bytes, submodules: set[bytes]) -> bytes | None:
    return next((each for each in submodules if path.startswith(each + b"/")), None)


def explain_failure(patch: ParsedPatch, stderr: str) -> str:
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


def _hunk(patch: ParsedPatch, path: str, line: int) -> str:
    """``hunk 2 of 3 at line 10``: the hunk of ``path`` that starts there."""
    for file in patch.files:
        starts = [hunk.old_start for hunk in file.hunks]
        if file.path == path.encode() and line in starts:
            return f"hunk {starts.index(line) + 1} of {len(starts)} at line {line}"
    return f"the hunk at line {line}"


async def _ending_mismatch(git: Git, patch: ParsedPatch, stderr: str) -> str | None:
    """A message about line endings, when they alone are why the patch does not fit its file."""
    failed = _FAILED.search(stderr)
    files = [file for file in patch.files if failed and file.path == failed["path"].encode()]
    for file in files:
        try:
            content = await git.run("cat-file", "blob", f":{file.path.decode()}")
        except (GitFailed, UnicodeDecodeError):
            return None
        if (message := ending_mismatch(file, content)) is not None:
            return message
    return None
