"""Controls that compare runs which exist anyway."""

from dataclasses import replace
from typing import Any

import pytest

from swefoundry.contracts.controls import ControlName, ControlOutcome, ControlResult, control_result
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.stages import Stage
from swefoundry.grading.control_checks import (
    ControlRun,
    base_tests,
    clock,
    cpu,
    null_patch,
    reversed_gold,
    shuffled,
)
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


MATRIX = [a_run(0, a=PASSED, b=PASSED, u=PASSED), a_run(0, a=PASSED, b=PASSED, u=FAILED)]
"""Two runs of `after`, between which the test `u` is unstable."""


def a_varied_run(run: ControlRun, number: int = 0, **record: Any) -> ControlRun:
    result = EvaluationResult(nonce="n", stage=Stage.AFTER, code=run.code or 0, **record)
    return replace(run, number=number, record=result, fault=None if run.code is not None else "OOMKilled")


SAME = a_run(0, a=PASSED, b=PASSED, u=PASSED)
SHUFFLED_CASES: dict[str, tuple[ControlRun, ControlOutcome, str]] = {
    "the outcome is the same": (
        a_varied_run(SAME, shuffled=True),
        "Passed",
        "3 tests in another order: the outcome is that of `after`",
    ),
    "a test that is unstable anyway does not count": (
        a_varied_run(a_run(0, a=PASSED, b=PASSED), shuffled=True),
        "Passed",
        "2 tests in another order: the outcome is that of `after`",
    ),
    "tests with another outcome are named": (
        a_varied_run(a_run(0, a=PASSED, b=SKIPPED), shuffled=True),
        "Failed",
        "in another order: 1 test (b) had another outcome",
    ),
    "the code is another one": (
        a_varied_run(a_run(1, a=PASSED, b=FAILED), shuffled=True),
        "Failed",
        "in another order: code 1 instead of 0",
    ),
    "the command runs no pytest": (
        a_varied_run(SAME),
        "Unknown",
        "the order of the tests cannot be changed: the command runs no pytest that the runner can reach",
    ),
    "the pod gave no result": (
        a_varied_run(a_run(None), shuffled=True),
        "Unknown",
        "a pod gave no result (OOMKilled)",
    ),
}


@pytest.mark.parametrize("case", SHUFFLED_CASES)
def test_shuffled_compares_after_with_a_run_in_another_order(case: str) -> None:
    run, result, message = SHUFFLED_CASES[case]
    assert shuffled(MATRIX, [run]) == ControlResult(
        name=ControlName.SHUFFLED, result=result, message=message, evidence=run.evidence
    )


def on_cpus(limit: int, found: int, run: ControlRun = SAME) -> ControlRun:
    return a_varied_run(run, limit, cpus=found)


CPU_CASES: dict[str, tuple[list[ControlRun], ControlOutcome, str]] = {
    "the outcome is the same": (
        [on_cpus(1, 1), on_cpus(2, 2), on_cpus(4, 4)],
        "Passed",
        "with 1, 2, 4 CPUs: the outcome is that of `after`",
    ),
    "the node has fewer": (
        [on_cpus(1, 1), on_cpus(2, 2), on_cpus(4, 2)],
        "Passed",
        "with 1, 2 CPUs: the outcome is that of `after`",
    ),
    "one number gives another outcome": (
        [on_cpus(1, 1, a_run(1, a=PASSED, b=FAILED)), on_cpus(2, 2)],
        "Failed",
        "with 1 CPU: code 1 instead of 0",
    ),
    "no number was reached": ([on_cpus(4, 2)], "Unknown", "no run whose number of CPUs the node has"),
}


@pytest.mark.parametrize("case", CPU_CASES)
def test_cpu_compares_after_with_runs_on_given_numbers_of_cpus(case: str) -> None:
    runs, result, message = CPU_CASES[case]
    assert cpu(MATRIX, runs) == ControlResult(
        name=ControlName.CPU,
        result=result,
        message=message,
        evidence=None if result == "Unknown" else EVIDENCE,
    )


CLOCK_CASES: dict[str, tuple[ControlRun, ControlOutcome, str]] = {
    "the outcome is the same": (
        a_varied_run(SAME, later_clock=True),
        "Passed",
        "one year later: the outcome is that of `after`",
    ),
    "a test has another outcome": (
        a_varied_run(a_run(0, a=PASSED, b=SKIPPED), later_clock=True),
        "Failed",
        "one year later: 1 test (b) had another outcome",
    ),
    "the programs show the real time": (
        a_varied_run(SAME),
        "Unknown",
        "the programs of the image show the real time: their C library does not load libfaketime",
    ),
    "the pod gave no result": (
        a_varied_run(a_run(None), later_clock=True),
        "Unknown",
        "a pod gave no result (OOMKilled)",
    ),
}


@pytest.mark.parametrize("case", CLOCK_CASES)
def test_clock_compares_after_with_a_run_one_year_later(case: str) -> None:
    run, result, message = CLOCK_CASES[case]
    assert clock(MATRIX, [run]) == ControlResult(
        name=ControlName.CLOCK, result=result, message=message, evidence=run.evidence
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
