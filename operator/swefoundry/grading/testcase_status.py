"""Status of a test, and the statuses of all tests of one evaluation."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from swefoundry.grading.report_text import UnreadableReport
from swefoundry.grading.testcase_ids import IdForms


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

ENTRIES_LIMIT = 1 << 20
ID_CHARACTERS_LIMIT = 64 << 20
"""Results, and characters of their ids, in all reports of an evaluation; the runner has the same limits."""


def worse_status(one: CaseStatus, other: CaseStatus) -> CaseStatus:
    return max(one, other, key=BEST_TO_WORST.index)


CaseStatuses = Mapping[str, CaseStatus]


@dataclass(frozen=True)
class CaseCounts:
    """Numbers of tests by status; the runner counts the same five. Expected failures are among the skipped."""

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
    uncollected: tuple[str, ...] = ()
    """Ids, among the errors, that are files or modules which could not be collected."""
    unreadable: int = 0
    """Reports that were not read completely; what each test did is unknown then."""

    @property
    def counts(self) -> CaseCounts:
        tally = Counter(self.statuses.values())
        return CaseCounts(
            total=tally.total(),
            passed=tally[CaseStatus.PASSED],
            failed=tally[CaseStatus.FAILED],
            errors=tally[CaseStatus.ERROR],
            skipped=tally[CaseStatus.SKIPPED] + tally[CaseStatus.XFAILED],
        )


@dataclass(frozen=True)
class CaseResult:
    """Result of one test case."""

    status: CaseStatus
    uncollected: bool = False
    """An error of a file or module, as opposed to one of a test; that one is worse."""

    def worse(self, other: "CaseResult") -> "CaseResult":
        return max(self, other, key=lambda one: (BEST_TO_WORST.index(one.status), not one.uncollected))


class Tally:
    """Collects results one by one; the worst of a test id is kept."""

    def __init__(self) -> None:
        self._results: dict[str, CaseResult] = {}
        """By raw id."""
        self._stable: dict[str, str] = {}
        """Stable id by raw id."""
        self.entries = 0
        self._characters = 0
        self._problems: list[str] = []
        self._unreadable = 0
        self._disagreeing = 0

    def add(self, test: IdForms, result: CaseResult) -> None:
        self._grow(1, len(test.raw))
        self._keep(test, result)

    def merge(self, part: "Tally") -> None:
        """Add the tests of one file: all of them, or none when they are too many."""
        self._grow(part.entries, part._characters)
        self._disagreeing += part._disagreeing
        for raw, result in part._results.items():
            self._keep(IdForms(raw, part._stable[raw]), result)
        for message in part._problems:
            self.problem(message)

    def _grow(self, entries: int, characters: int) -> None:
        entries, characters = self.entries + entries, self._characters + characters
        if entries > ENTRIES_LIMIT or characters > ID_CHARACTERS_LIMIT:
            raise UnreadableReport(
                f"more than {ENTRIES_LIMIT} results, or ids of more than {ID_CHARACTERS_LIMIT} characters"
            )
        self.entries, self._characters = entries, characters

    def _keep(self, test: IdForms, result: CaseResult) -> None:
        known = self._results.get(test.raw)
        if known is not None:
            self._disagreeing += known.status is not result.status
            result = known.worse(result)
        self._results[test.raw] = result
        self._stable.setdefault(test.raw, test.stable)

    def problem(self, message: str) -> None:
        if len(self._problems) < PROBLEM_LIMIT:
            self._problems.append(message)

    def unreadable(self, message: str) -> None:
        """Count a report that was not read completely."""
        self._unreadable += 1
        self.problem(message)

    def result(self) -> ParsedReports:
        problems = list(self._problems)
        if self._disagreeing:
            problems.append(
                f"{self._disagreeing} results repeat a test id with another status; the worst counts"
            )
        final = self._final_ids()
        return ParsedReports(
            statuses={final[raw]: result.status for raw, result in self._results.items()},
            problems=tuple(problems),
            uncollected=tuple(
                sorted(final[raw] for raw, result in self._results.items() if result.uncollected)
            ),
            unreadable=self._unreadable,
        )

    def _final_ids(self) -> Mapping[str, str]:
        """Return by raw id the stable one, where it stands for one raw id only: no two tests become one."""
        shared = Counter(self._stable.values())
        return {raw: stable if shared[stable] == 1 else raw for raw, stable in self._stable.items()}
