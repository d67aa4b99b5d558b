"""Controls that compare runs which exist anyway."""

import pytest

from swefoundry.contracts.controls import ControlName, ControlOutcome, ControlResult, control_result
from swefoundry.contracts.digests import Digest
from swefoundry.grading.control_checks import ControlRun, base_tests, null_patch, reversed_gold
from swefoundry.grading.testcase_status import CaseStatus

PASSED, FAILED, ERROR, SKIPPED = (
    CaseStatus.PASSED,
    CaseStatus.FAILED,
    CaseStatus.ERROR,
    CaseStatus.SKIPPED,
)
EVIDENCE: Digest = "sha256:" + "e" * 64


def a_run(code: int | None = 1, problem: str = "", **statuses: CaseStatus) -> ControlRun:
    return ControlRun(code, statuses, EVIDENCE if code is not None else None, problem)


TWICE_THE_SAME = [a_run(a=PASSED, b=FAILED), a_run(a=PASSED, b=FAILED)]
ANOTHER_TEST_FAILS = [a_run(a=PASSED, b=FAILED), a_run(a=FAILED, b=PASSED), a_run(c=PASSED)]

NULL_PATCH_CASES: dict[str, tuple[list[ControlRun], ControlOutcome, str]] = {
    "two runs agree": (TWICE_THE_SAME, "Passed", "2 runs of `before` agree on 2 tests"),
    "two runs without reports agree on their code": (
        [a_run(), a_run()],
        "Passed",
        "2 runs of `before` agree on code 1; no test was reported",
    ),
    "the tests that differ are named although the codes agree": (
        ANOTHER_TEST_FAILS,
        "Failed",
        "3 runs of `before` disagree on 3 tests (a, b, c)",
    ),
    "the codes differ": (
        [a_run(1, a=FAILED), a_run(0, a=PASSED)],
        "Failed",
        "runs of `before` end with different codes: 1, 0",
    ),
    "one run cannot be compared": (
        [a_run(a=FAILED)],
        "Unknown",
        "`before` has one result only; set validation.minRepeats to 2 or more",
    ),
    "a run that a fault ended is not compared": (
        [a_run(None), a_run(a=FAILED)],
        "Unknown",
        "`before` has one result only; set validation.minRepeats to 2 or more",
    ),
    "a report that was cut cannot be compared": (
        [a_run(a=FAILED), a_run(problem="the log was cut")],
        "Unknown",
        "`before`: the log was cut",
    ),
}


@pytest.mark.parametrize("case", NULL_PATCH_CASES)
def test_null_patch_compares_the_runs_of_before(case: str) -> None:
    runs, result, message = NULL_PATCH_CASES[case]
    evidence = EVIDENCE if len([run for run in runs if run.code is not None]) > 1 else None
    assert null_patch(runs) == ControlResult(
        name=ControlName.NULL_PATCH, result=result, message=message, evidence=evidence
    )


BASE_CASES: dict[str, tuple[list[ControlRun], ControlOutcome, str]] = {
    "nothing failed": (
        [a_run(0, a=PASSED, b=SKIPPED)],
        "Passed",
        "no test of 2 failed in `base`",
    ),
    "a tolerated failure does not count": (
        [a_run(1, a=PASSED, known=FAILED)],
        "Passed",
        "no test of 2 failed in `base`",
    ),
    "tests that failed are named": (
        [a_run(1, a=PASSED, b=FAILED, c=ERROR, d=FAILED, e=FAILED)],
        "Failed",
        "4 tests (b, c, d and 1 more) failed in `base`, where neither patch is applied",
    ),
    "one test ran and failed": (
        [a_run(1, a=FAILED)],
        "Failed",
        "1 test (a) failed in `base`, where neither patch is applied",
    ),
    "no test could be collected": ([a_run(21, f=ERROR)], "Unknown", "`base`: no test could run (codes: 21)"),
    "no test was reported": ([a_run(0)], "Unknown", "`base`: no test could run (codes: 0)"),
    "the report was cut": (
        [a_run(0, "the log was cut", a=PASSED)],
        "Unknown",
        "`base`: the log was cut",
    ),
}


@pytest.mark.parametrize("case", BASE_CASES)
def test_base_tests_reads_the_changed_test_files_before_both_patches(case: str) -> None:
    runs, result, message = BASE_CASES[case]
    assert base_tests(runs, tolerated=["known"]) == ControlResult(
        name=ControlName.BASE_TESTS, result=result, message=message, evidence=EVIDENCE
    )


def test_a_base_that_a_fault_ended_is_unknown() -> None:
    assert base_tests([a_run(None)]) == ControlResult(
        name=ControlName.BASE_TESTS, result="Unknown", message="`base`: no test could run (codes: none)"
    )


@pytest.mark.parametrize(
    ("difference", "result", "message"),
    [
        ("", "Passed", "`after` without the gold patch is the tree of `before`"),
        ("a.py differs", "Failed", "a.py differs"),
        (None, "Unknown", "intake did not compare the trees"),
    ],
)
def test_reversed_gold_repeats_what_intake_found(
    difference: str | None, result: ControlOutcome, message: str
) -> None:
    expected = ControlResult(name=ControlName.REVERSED_GOLD, result=result, message=message)
    assert reversed_gold(difference) == expected


def test_a_long_message_is_cut_to_what_the_status_holds() -> None:
    assert len(control_result(ControlName.BASE_TESTS, "Failed", "x" * 600).message) == 512
