"""Detects repetition: keys of drafts, signatures of failures and keys of tool calls. Pure.

The rule: when a failure occurs again, the next configured model is used. When no model is left, its third occurrence
ends the run.
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
    """What to do about the last failure."""

    CONTINUE = "continue"
    NEXT_MODEL = "use the next model, if there is one"
    NEXT_MODEL_OR_STOP = "use the next model, or stop"


def failure_signature(outcome: str, log: str) -> str:
    """Equal for failures that differ only in numbers, paths, hashes and times; all empty logs are equal."""
    excerpt = without_run_details(log_excerpt(log, _EXCERPT_CHARACTERS))
    return hashlib.sha256(f"{outcome}\n{excerpt}".encode()).hexdigest()[:16]


def without_run_details(text: str) -> str:
    """Replace what differs from one run to the next."""
    for pattern, word in _RUN_DETAILS:
        text = pattern.sub(word, text)
    return "\n".join(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def loop_reaction(signatures: Sequence[str]) -> LoopReaction:
    """The reaction to the last signature, given all before it: A, B, A, B is a repetition as much as A, A."""
    occurrences = signatures.count(signatures[-1]) if signatures else 0
    if occurrences < 2:
        return LoopReaction.CONTINUE
    return LoopReaction.NEXT_MODEL if occurrences == 2 else LoopReaction.NEXT_MODEL_OR_STOP


def dockerfile_key(dockerfile: str) -> str:
    """Equal for Dockerfiles that differ only in comments, blank lines and line ends."""
    lines = (line.rstrip() for line in dockerfile.splitlines())
    kept = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()


def draft_key(draft: Draft) -> str:
    """Equal for drafts that are built and run in the same way."""
    same = {
        "dockerfile": dockerfile_key(draft.dockerfile),
        "test": " ".join(draft.test_command.split()),
        "rebuild": " ".join((draft.rebuild_command or "").split()),
        "reports": sorted(draft.reports),
        "errors": sorted(draft.could_not_run_codes),
        **({"tolerated": sorted(draft.tolerated_failures)} if draft.tolerated_failures else {}),
        **({"user": draft.run_as_user} if draft.run_as_user else {}),
    }
    return hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()


def call_key(name: str, arguments: str) -> str:
    """Equal for tool calls with the same arguments, however their JSON is formatted."""
    try:
        canonical = json.dumps(json.loads(arguments or "{}"), sort_keys=True)
    except (ValueError, RecursionError):
        canonical = arguments
    return f"{name} {canonical}"
