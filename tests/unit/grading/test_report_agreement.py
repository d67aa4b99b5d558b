"""Where the record and the reports of one evaluation differ, no set of tests is made."""

import pytest

from swefoundry.contracts.evaluation import EvaluationResult, ReportCounts
from swefoundry.contracts.stages import Stage
from swefoundry.grading.report_agreement import report_disagreement
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses

ONE: CaseStatuses = {"t.py::test_a": CaseStatus.PASSED}


def a_record(total: int | None = 1, **fields: object) -> EvaluationResult:
    tests = None if total is None else ReportCounts(total=total)
    return EvaluationResult(nonce="n", stage=Stage.AFTER, code=0, tests=tests).model_copy(update=fields)


@pytest.mark.parametrize(
    ("record", "statuses", "problem"),
    [
        (a_record(1), ONE, ""),
        (a_record(None), {}, ""),
        (a_record(3), {}, "the runner counted 3 tests, and 0 could be read from the log"),
        (a_record(None), ONE, "the runner counted 0 tests, and 1 could be read from the log"),
        (
            a_record(1, unreadable_reports=1, report_note="junit.xml: cut off"),
            ONE,
            "1 report could not be read (junit.xml: cut off)",
        ),
        (
            a_record(1, unreadable_reports=2, report_note="a.xml: empty; b.xml: empty"),
            ONE,
            "2 reports could not be read (a.xml: empty; b.xml: empty)",
        ),
    ],
)
def test_a_disagreement_is_named(record: EvaluationResult, statuses: CaseStatuses, problem: str) -> None:
    assert report_disagreement(record, statuses) == problem
