"""When the sets of tests of a verdict are not known."""

import pytest

from swefoundry.contracts.evaluation import EvaluationResult, ReportCounts
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.stored_evaluations import StoredEvaluation
from swefoundry.controllers.taskinstance.stored_samples import NO_TESTS_REPORTED, StoredSamples
from swefoundry.grading.result_sets import CaseSets
from swefoundry.grading.sampled_verdict import SampledRun
from swefoundry.grading.testcase_status import CaseStatus
from swefoundry.grading.verdict_bundle import BundledEvaluation

PASSED = {"t.py::test_a": CaseStatus.PASSED}
FAILED = {"t.py::test_a": CaseStatus.FAILED}
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
    assert StoredSamples(matrix, []).unknown_tests_reason() == reason


def test_no_test_after_the_fix_is_a_reason() -> None:
    matrix = [an_evaluation(Stage.BEFORE), an_evaluation(Stage.AFTER, 0, {})]
    assert StoredSamples(matrix, []).unknown_tests_reason() == NO_TESTS_REPORTED


def test_a_probe_whose_report_disagrees_is_left_out_of_the_sets() -> None:
    probe = an_evaluation(Stage.AFTER, 3, FAILED)
    samples = StoredSamples([an_evaluation(Stage.BEFORE), an_evaluation(Stage.AFTER)], [probe])
    assert samples.unknown_tests_reason() == ""
    assert samples.sets() == CaseSets(pass_to_pass=("t.py::test_a",))


def test_a_probe_whose_evidence_is_gone_keeps_its_code() -> None:
    lost = StoredEvaluation(BundledEvaluation(stage=Stage.AFTER, code=1, evidence=f"sha256:{'a' * 64}"), {})
    assert StoredSamples([], [lost]).runs == [SampledRun(Stage.AFTER, 1, None)]
