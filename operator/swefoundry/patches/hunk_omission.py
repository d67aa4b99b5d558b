"""Leave one hunk out of a patch.

What is added, deleted, renamed without a change or binary is one hunk as a whole. Hunks of documents, of type
stubs and of the settings of CI services are not counted: no test could notice them.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from swefoundry.patches.parsed_patch import FileDiff, Hunk, ParsedPatch

_UNTESTABLE = re.compile(
    rb"\.(?:github|gitlab|circleci)/.*"
    rb"|(?:.*/)?(?:\.(?:travis|gitlab-ci)\.yml|[^/]*\.(?:md|rst|adoc|pyi)"
    rb"|(?:change(?:s|log)|news|history|readme|authors|contributors|licen[cs]e|copying)(?:\.txt)?)",
    re.IGNORECASE,
)
_NEW_START = re.compile(rb"(?<= \+)\d+")


@dataclass(frozen=True)
class PatchPart:
    """What is left out: a hunk, or the diff of a file."""

    file: FileDiff
    hunk: Hunk | None = None
    """None for the whole diff."""

    @property
    def line(self) -> int | None:
        """The first line of the old file that the hunk changes."""
        if self.hunk is None:
            return None
        context = next((at for at, line in enumerate(self.hunk.body) if line[:1] in b"+-"), 0)
        return self.hunk.old_start + context

    @property
    def is_whole_diff(self) -> bool:
        """Whether nothing of the diff would be left; git refuses a diff that changes nothing."""
        return self.hunk is None or (len(self.file.hunks) == 1 and not self.file.metadata)


def patch_parts(patch: ParsedPatch) -> list[PatchPart]:
    """Everything that can be left out alone, in the order of the patch."""
    files = (file for file in patch.files if not _UNTESTABLE.fullmatch(file.path))
    return [part for file in files for part in _parts(file)]


def _parts(file: FileDiff) -> list[PatchPart]:
    if file.adds or file.new is None or file.binary or not file.hunks:
        return [PatchPart(file)]
    return [PatchPart(file, hunk) for hunk in file.hunks]


def evenly_spaced(parts: Sequence[PatchPart], most: int) -> list[PatchPart]:
    """All parts, or ``most`` of them."""
    count = min(len(parts), most)
    return [parts[number * len(parts) // count] for number in range(count)]


def without_part(content: bytes, part: PatchPart) -> bytes:
    """The patch without the part.

    git looks for a hunk where its header says that it is in the new file, so the headers that follow are corrected:
    otherwise equal lines near by could be taken for those of the hunk.
    """
    lines, hunk = io.BytesIO(content).readlines(), part.hunk
    if hunk is None or part.is_whole_diff:
        del lines[part.file.line : part.file.end]
        return b"".join(lines)
    growth = sum((line[:1] == b"+") - (line[:1] == b"-") for line in hunk.body)
    for later in part.file.hunks:
        if later.line > hunk.line:
            lines[later.line - 1] = _moved(lines[later.line - 1], -growth)
    del lines[hunk.line - 1 : hunk.line + len(hunk.body)]
    return b"".join(lines)


def _moved(header: bytes, by: int) -> bytes:
    return _NEW_START.sub(lambda match: b"%d" % (int(match[0]) + by), header, count=1)
