"""Report files that the runner (images/runner, in Go) counts and the operator reads: both must agree.

``images/runner/corpus_test.go`` reads the same expectations.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from swefoundry.contracts.evaluation import ReportCounts
from swefoundry.grading.report_parser import read_reports
from swefoundry.grading.testcase_status import CaseStatus

CORPUS = Path(__file__).parents[2] / "fixtures" / "reports"
EXPECTED: dict[str, dict[str, int] | None] = json.loads((CORPUS / "expected.json").read_text())


def test_every_report_has_an_expectation() -> None:
    assert {path.name for path in CORPUS.iterdir()} == {*EXPECTED, "expected.json"}


@pytest.mark.parametrize(("name", "counts"), EXPECTED.items(), ids=EXPECTED)
def test_a_report_is_read_as_the_runner_counts_it(name: str, counts: dict[str, int] | None) -> None:
    reports = read_reports({name: (CORPUS / name).read_bytes()})
    if counts is None:
        assert (reports.statuses, len(reports.problems)) == ({}, 1)
        return
    ends = Counter(reports.statuses.values())
    assert ReportCounts(
        total=ends.total(),
        passed=ends[CaseStatus.PASSED],
        failed=ends[CaseStatus.FAILED],
        errors=ends[CaseStatus.ERROR],
        skipped=ends[CaseStatus.SKIPPED] + ends[CaseStatus.XFAILED],
    ) == ReportCounts.model_validate(counts)
