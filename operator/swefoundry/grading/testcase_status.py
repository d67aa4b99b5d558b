"""Status of a test, and the statuses of all tests of one evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class CaseStatus(StrEnum):
    """Status of a test, in pytest's terms."""

    PASSED = "passed"
    FAILED = "failed"
    """An assertion failed."""
    ERROR = "error"
    """The test could not run: set-up, collection, or the runner itself."""
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    """Failed as its author expected; counts as passed, as in SWE-bench."""


BEST_TO_WORST = (
    CaseStatus.PASSED,
    CaseStatus.XFAILED,
    CaseStatus.SKIPPED,
    CaseStatus.FAILED,
    CaseStatus.ERROR,
)
"""The worse of two results for one test id is kept: a test that fails to tear down did not pass."""

PROBLEM_LIMIT = 50
"""Most problems kept; hostile input could cause one per line."""


def worse_status(one: CaseStatus, other: CaseStatus) -> CaseStatus:
    return max(one, other, key=BEST_TO_WORST.index)


CaseStatuses = Mapping[str, CaseStatus]


@dataclass(frozen=True)
class CaseCounts:
    """Numbers of tests by status; the runner counts the same five."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0


@dataclass(frozen=True)
class ParsedReports:
    """Content of all reports of one evaluation."""

    statuses: CaseStatuses = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """One sentence each: an unreadable report, a plan that was not met, results that disagree."""

    @property
    def counts(self) -> CaseCounts:
        tally = dict.fromkeys(CaseStatus, 0)
        for status in self.statuses.values():
            tally[status] += 1
        return CaseCounts(
            total=len(self.statuses),
            passed=tally[CaseStatus.PASSED] + tally[CaseStatus.XFAILED],
            failed=tally[CaseStatus.FAILED],
            errors=tally[CaseStatus.ERROR],
            skipped=tally[CaseStatus.SKIPPED],
        )


class Tally:
    """Collects statuses one by one; the worst status of a test id is kept."""

    def __init__(self) -> None:
        self._statuses: dict[str, CaseStatus] = {}
        self._problems: list[str] = []
        self._disagreeing = 0

    def add(self, test: str, status: CaseStatus) -> None:
        known = self._statuses.get(test)
        if known is None:
            self._statuses[test] = status
            return
        self._disagreeing += known is not status
        self._statuses[test] = worse_status(known, status)

    def problem(self, message: str) -> None:
        if len(self._problems) < PROBLEM_LIMIT:
            self._problems.append(message)

    def result(self) -> ParsedReports:
        problems = list(self._problems)
        if self._disagreeing:
            problems.append(
                f"{self._disagreeing} results repeat a test id with another status; the worst counts"
            )
        return ParsedReports(self._statuses, tuple(problems))
