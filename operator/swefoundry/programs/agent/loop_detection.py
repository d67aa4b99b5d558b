"""Does the loop go round in circles? Digests of drafts, signatures of failures and keys of tool calls; pure.

The rule: a failure that was seen before is answered by the next model of the ladder; when there is none left, the
third sight of one failure ends the loop.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from enum import Enum

from swefoundry.contracts.draft import Draft
from swefoundry.text.log_excerpt import log_excerpt

_RUN_DETAILS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d(?:[.,]\d+)?\b"), "TIME"),
    (re.compile(r"\b0x[0-9a-f]+\b|\b(?=[a-f]*\d)[0-9a-f]{7,64}\b", re.IGNORECASE), "HEX"),
    (re.compile(r"(?<![\w:/])(?:[\w.@+-]*/)+[\w.@+-]*"), "PATH"),
    (re.compile(r"\d+(?:\.\d+)*"), "N"),
    (re.compile(r"[=_\-~]{4,}"), "LINE"),
    (re.compile(r"[ \t]+"), " "),
)
_EXCERPT_CHARACTERS = 2048


class LoopReaction(Enum):
    """What to do about a failure."""

    CONTINUE = "carry on"
    NEXT_MODEL = "switch to the next model, if there is one"
    NEXT_MODEL_OR_STOP = "switch to the next model, or stop"


def failure_signature(outcome: str, log: str) -> str:
    """The same for failures that differ only in numbers, paths, hashes and times; empty logs count as one."""
    said = without_run_details(log_excerpt(log, _EXCERPT_CHARACTERS))
    return hashlib.sha256(f"{outcome}\n{said}".encode()).hexdigest()[:16]


def without_run_details(text: str) -> str:
    """Text without what differs from one run to the next."""
    for pattern, word in _RUN_DETAILS:
        text = pattern.sub(word, text)
    return "\n".join(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def loop_reaction(signatures: Sequence[str]) -> LoopReaction:
    """What the last signature says, given all before it: A, B, A, B is a circle as much as A, A."""
    seen = signatures.count(signatures[-1]) if signatures else 0
    if seen < 2:
        return LoopReaction.CONTINUE
    return LoopReaction.NEXT_MODEL if seen == 2 else LoopReaction.NEXT_MODEL_OR_STOP


def dockerfile_key(dockerfile: str) -> str:
    """Equal for Dockerfiles that differ in comments, blank lines and line ends alone."""
    lines = (line.rstrip() for line in dockerfile.splitlines())
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def draft_key(draft: Draft) -> str:
    """Equal for drafts that would be built and run alike."""
    same = {
        "dockerfile": dockerfile_key(draft.dockerfile),
        "test": " ".join(draft.test_command.split()),
        "rebuild": " ".join((draft.rebuild_command or "").split()),
        "reports": sorted(draft.reports),
        "errors": sorted(draft.error_exit_codes),
    }
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def call_key(name: str, arguments: str) -> str:
    """Equal for tool calls that ask the same, however their JSON is laid out."""
    try:
        said = json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        said = arguments
    return f"{name} {said}"
