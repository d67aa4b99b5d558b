"""When the sets of tests of a verdict are not known."""

import pytest

from swefoundry.contracts.evaluation import EvaluationResult, ReportCounts
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.verdict_store import (
    NO_TESTS_REPORTED,
    StoredEvaluation,
    unknown_tests_reason,
)
from swefoundry.grading.testcase_status import CaseStatus
from swefoundry.grading.verdict_bundle import BundledEvaluation

PASSED = {"t.py::test_a": CaseStatus.PASSED}
MORE_COUNTED = "the runner counted 3 tests, and 1 could be read from the log"


def an_evaluation(
    stage: Stage, counted: int = 1, statuses: dict[str, CaseStatus] = PASSED
) -> StoredEvaluation:
    record = EvaluationResult(nonce="n", stage=stage, code=0, tests=ReportCounts(total=counted))
    return StoredEvaluation(BundledEvaluation(stage=stage, record=record), statuses)


@pytest.mark.parametrize(
    ("stage", "reason"),
    [
        (Stage.BASE, ""),
        (Stage.BEFORE, f"before #0: {MORE_COUNTED}"),
        (Stage.AFTER, f"after #0: {MORE_COUNTED}"),
    ],
)
def test_a_disagreement_counts_in_the_two_stages_that_are_compared(stage: Stage, reason: str) -> None:
    matrix = [an_evaluation(each, 3 if each is stage else 1) for each in Stage]
    assert unknown_tests_reason(matrix) == reason


def test_no_test_after_the_fix_is_a_reason() -> None:
    matrix = [an_evaluation(Stage.BEFORE), an_evaluation(Stage.AFTER, 0, {})]
    assert unknown_tests_reason(matrix) == NO_TESTS_REPORTED
