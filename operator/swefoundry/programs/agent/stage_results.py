"""What the tests of a failed round did before and after the fix, as its reports tell it. Pure.

The evaluations of a round are those on the trees before and after the fix, or on the base tree where there is no fix.
The sets of tests that changed tell whether the environment or the source is at fault, the head of each failure tells
why.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from swefoundry.contracts.stages import Stage
from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.result_sets import compare_stages
from swefoundry.grading.testcase_status import CaseCounts, CaseStatuses

MAX_IDS_PER_SET = 12
MAX_FAILURES = 12
MAX_FAILURE_DETAIL_BYTES = 8 << 20
"""Of a report whose failures are read; of a longer one only the statuses are."""
FAILURE_HEAD_CHARACTERS = 240
FAILURE_HEAD_LINES = 3
_ASSERTION = re.compile(
    r"^E +(?P<text>.+)|^\s*(?P<other>(expected|actual|got|received|want)\b.*)", re.IGNORECASE
)
"""Lines of a failure's text that say what was expected and what came: pytest's, and those of most other runners."""

SET_TITLES = {
    "fail_to_pass": "fail before the fix, pass after it",
    "error_to_pass": "could not be collected before the fix, pass after it",
    "none_to_pass": "not there before the fix, pass after it",
    "skip_to_pass": "skipped before the fix, pass after it",
    "pass_to_fail": "pass before the fix, fail after it",
    "fail_to_fail": "fail before and after the fix",
}


@dataclass(frozen=True)
class Failure:
    """One failed test: its name, and what it expected and got."""

    test: str
    head: str
    text: str = ""
    """The whole text, for the places that its stack names."""


@dataclass(frozen=True)
class StageReport:
    """The reports of one evaluation."""

    statuses: CaseStatuses = field(default_factory=dict)
    counts: CaseCounts = field(default_factory=CaseCounts)
    failures: tuple[Failure, ...] = ()


@dataclass(frozen=True)
class CaseSet:
    """Tests that changed alike."""

    title: str
    count: int
    tests: tuple[str, ...]
    """The first of them."""


@dataclass(frozen=True)
class StageResults:
    """The reports of a round's evaluations, by stage."""

    reports: Mapping[str, StageReport] = field(default_factory=dict)

    @property
    def counts(self) -> dict[str, CaseCounts]:
        """Numbers of tests by stage; stages without a readable report are left out."""
        return {stage: report.counts for stage, report in self.reports.items() if report.statuses}

    @property
    def sets(self) -> tuple[CaseSet, ...]:
        """How tests changed from `before` to `after`; empty when one of the two has no report."""
        before, after = self.reports.get(Stage.BEFORE), self.reports.get(Stage.AFTER)
        if before is None or after is None or not (before.statuses and after.statuses):
            return ()
        sets = compare_stages([before.statuses], [after.statuses])
        found = {title: getattr(sets, name) for name, title in SET_TITLES.items()}
        return tuple(
            CaseSet(title, len(tests), tests[:MAX_IDS_PER_SET]) for title, tests in found.items() if tests
        )

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The first failures after the fix, or on the base tree."""
        report = self.reports.get(Stage.AFTER) or self.reports.get(Stage.BASE) or StageReport()
        return report.failures[:MAX_FAILURES]

    @property
    def stack_texts(self) -> tuple[str, ...]:
        """Texts of failures whose line numbers are those of the tree without the fix, where there are such."""
        failing = {each.test for each in self.failures}
        before = self.reports.get(Stage.BEFORE) or StageReport()
        same = [each.text for each in before.failures if each.test in failing]
        return tuple(same or [each.text for each in self.failures])


def read_stage_report(files: Mapping[str, bytes]) -> StageReport:
    """The statuses in the files of one evaluation, and the failures of those that are JUnit XML."""
    parsed = read_reports(files)
    small = [content for content in files.values() if len(content) <= MAX_FAILURE_DETAIL_BYTES]
    failures = tuple(failure for content in small for failure in _junit_failures(content))
    return StageReport(parsed.statuses, parsed.counts, failures)


def _junit_failures(content: bytes) -> Iterator[Failure]:
    try:
        root = fromstring(content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return
    for case in root.iter("testcase"):
        for problem in (*case.findall("failure"), *case.findall("error")):
            yield _failure(case, problem)


def _failure(case: Element, problem: Element) -> Failure:
    name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
    message, text = problem.get("message") or "", problem.text or ""
    head = (
        list(dict.fromkeys([*_lines(message), *_assertion_lines(text)]))[:FAILURE_HEAD_LINES]
        or _lines(text)[:1]
    )
    return Failure(name, "\n".join(line[:FAILURE_HEAD_CHARACTERS] for line in head), text)


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _assertion_lines(text: str) -> Iterable[str]:
    found = (_ASSERTION.match(line) for line in text.splitlines())
    return [(match["text"] or match["other"]).strip() for match in found if match]
