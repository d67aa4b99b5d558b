"""The control `MutatedGold`: which hunks of the fix the tests notice."""

import pytest

from swefoundry.contracts.controls import ControlName, ControlOutcome, ControlResult
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.mutants import Mutant
from swefoundry.grading.control_checks import ControlRun
from swefoundry.grading.mutation_check import judge_mutants, mutated_gold
from swefoundry.grading.testcase_status import CaseStatus

EVIDENCE: Digest = "sha256:" + "e" * 64
LAYER = Layer(digest=EVIDENCE, size=1, diff_id=EVIDENCE)
MUTANTS = [Mutant(path="a.py", line=line, layer=LAYER) for line in range(10, 18)]
PASSED, FAILED = CaseStatus.PASSED, CaseStatus.FAILED


def a_run(number: int, code: int | None, problem: str = "", **statuses: CaseStatus) -> ControlRun:
    return ControlRun(code, statuses, EVIDENCE if code is not None else None, problem, number)


RUNS: dict[str, tuple[ControlRun, int | None]] = {
    "a test fails": (a_run(0, 1), 100),
    "the command does not start": (a_run(0, 20), 100),
    "nothing can be collected": (a_run(0, 21), 100),
    "the time limit is reached": (a_run(0, 22), 100),
    "the run is aborted": (a_run(0, 25), 100),
    "all tests pass": (a_run(0, 0, fix=PASSED, other=PASSED), 0),
    "no test is reported": (a_run(0, 0), 0),
    "a test of the fix is skipped": (a_run(0, 0, fix=CaseStatus.SKIPPED, other=PASSED), 100),
    "a test of the fix is not reported": (a_run(0, 0, other=PASSED), 100),
    "a test of the fix fails although the command ends with 0": (a_run(0, 23, fix=FAILED), 100),
    "the report is incomplete": (a_run(0, 0, "the log was cut", other=PASSED), 0),
    "the code is not explained": (a_run(0, 24, fix=PASSED), None),
    "the pod gave no result": (a_run(0, None), None),
}


@pytest.mark.parametrize("case", RUNS)
def test_a_mutant_is_noticed_when_the_tests_do_not_pass(case: str) -> None:
    run, strength = RUNS[case]
    assert judge_mutants(2, MUTANTS, [run], ["fix"]).strength == strength


RESULTS: dict[str, tuple[int, list[int | None], ControlOutcome, str, int | None]] = {
    "all are noticed": (
        2,
        [1, 21],
        "Passed",
        "2 of 2 hunks left out one at a time: the tests fail each time",
        100,
    ),
    "two are not noticed": (
        20,
        [1, 0, 0],
        "Failed",
        "3 of 20 hunks left out one at a time: the tests pass without that of a.py:11, a.py:12",
        33,
    ),
    "none is noticed": (
        8,
        [0] * 8,
        "Failed",
        "8 of 8 hunks left out one at a time: the tests pass without that of "
        "a.py:10, a.py:11, a.py:12, a.py:13, a.py:14 and 3 more",
        0,
    ),
    "one pod gave no result": (
        2,
        [None, 1],
        "Passed",
        "1 of 2 hunks left out one at a time: the tests fail each time",
        100,
    ),
    "no pod gave a result": (2, [None, None], "Unknown", "no run with one of 2 hunks left out", None),
    "the only hunk is the whole fix": (
        1,
        [],
        "Passed",
        "the gold patch has one hunk, without which the tests fail in `before`",
        100,
    ),
}


@pytest.mark.parametrize("case", RESULTS)
def test_the_result_names_the_hunks_that_no_test_notices(case: str) -> None:
    hunks, codes, result, message, strength = RESULTS[case]
    mutation = judge_mutants(hunks, MUTANTS, [a_run(number, code) for number, code in enumerate(codes)], [])
    evidence = EVIDENCE if any(code is not None for code in codes) else None
    assert (mutated_gold(mutation), mutation.strength) == (
        ControlResult(name=ControlName.MUTATED_GOLD, result=result, message=message, evidence=evidence),
        strength,
    )


def test_without_mutants_nothing_is_known() -> None:
    assert mutated_gold(None).result == "Unknown"
