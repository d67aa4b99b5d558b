"""Candidates that would fail again as others did: what differs between two with the same failure has no effect on it.

A round costs a build and two evaluations. When the day of the dependencies changed and the log did not, a third day
teaches nothing; an interpreter may.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any, Generic, Self, TypeVar

TriedT = TypeVar("TriedT")

_VARYING = (
    (re.compile(r"0x[0-9a-f]+"), "0x"),
    (re.compile(r"\bin \d+\.\d+ ?s(?:econds)?\b"), "in s"),
    (re.compile(r"(?:python|cpython-|Python )\d[.\d]*"), "python"),
    (re.compile(r"\d+ warnings?, "), ""),
    (re.compile(r"\.py(\"?)(?::|, line )\d+"), r".py\1"),
    (re.compile(r"\.tmp\w+"), ".tmp"),
)
"""What differs between two logs of one failure: addresses, times, the interpreter, numbers of lines and warnings."""


def failure_signature(message: str) -> str:
    """Return the message without what varies between two runs of one failure."""
    for pattern, text in _VARYING:
        message = pattern.sub(text, message)
    return message.strip()


@dataclass(frozen=True)
class FailedCandidates(Generic[TriedT]):
    """The failures so far: signature and candidate, in the order of the rounds."""

    rounds: tuple[tuple[str, TriedT], ...] = ()

    def having(self, candidate: TriedT, message: str) -> Self:
        """Return these with one more; a round without a log shows no failure."""
        signature = failure_signature(message)
        return replace(self, rounds=(*self.rounds, (signature, candidate))) if signature else self

    def repeats_last(self, candidate: TriedT) -> bool:
        """Whether a candidate differs from one with the last failure only in what had no effect on that failure."""
        alike = self._with_last_failure()
        without_effect = {_differences(one, other) for one, other in combinations(alike, 2)} - {frozenset()}
        return any(_differences(candidate, tried) in without_effect for tried in alike)

    def _with_last_failure(self) -> tuple[TriedT, ...]:
        last = self.rounds[-1][0] if self.rounds else ""
        return tuple(dict.fromkeys(candidate for signature, candidate in self.rounds if signature == last))


def _differences(one: Any, other: Any) -> frozenset[str]:
    """Return the names of the fields in which two candidates differ."""
    return frozenset(
        item.name for item in fields(one) if getattr(one, item.name) != getattr(other, item.name)
    )


def least_alike_first(candidates: Iterable[TriedT], failed: FailedCandidates[TriedT]) -> tuple[TriedT, ...]:
    """Return the candidates in their order, those that repeat the last failure at the end."""
    return tuple(sorted(candidates, key=failed.repeats_last))
