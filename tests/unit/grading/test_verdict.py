"""The verdict table."""

import pytest

from swefoundry.contracts.stages import Stage
from swefoundry.grading.verdict import (
    VERDICT_MESSAGES,
    MatrixCell,
    Verdict,
    flaky_cause,
    inconclusive_cause,
    matrix_verdict,
)


def cells(before, after, base=0):
    found = {Stage.BASE: base, Stage.BEFORE: before, Stage.AFTER: after}
    return [
        MatrixCell(stage, code)
        for stage, codes in found.items()
        for code in (codes if isinstance(codes, tuple) else (codes,))
    ]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (1, 0, Verdict.FAIL2PASS),
        (21, 0, Verdict.ERROR2PASS),
        (20, 0, Verdict.ERROR2PASS),
        (22, 0, Verdict.INCONCLUSIVE),
        (25, 0, Verdict.FAIL2PASS),
        (25, 25, Verdict.FAIL2FAIL),
        (0, 25, Verdict.PASS2FAIL),
        (23, 0, Verdict.INCONCLUSIVE),
        (1, 24, Verdict.INCONCLUSIVE),
        (0, 0, Verdict.PASS2PASS),
        (0, 1, Verdict.PASS2FAIL),
        (0, 21, Verdict.PASS2FAIL),
        (1, 1, Verdict.FAIL2FAIL),
        (21, 21, Verdict.FAIL2FAIL),
        (1, 22, Verdict.FAIL2FAIL),
        (None, 0, Verdict.INCONCLUSIVE),
        (1, None, Verdict.INCONCLUSIVE),
        ((1, 1), (0, 0), Verdict.FAIL2PASS),
        ((1, 0), (0, 0), Verdict.FLAKY),
        ((1, 1), (0, 1), Verdict.FLAKY),
        ((1, 22), (0, 0), Verdict.FLAKY),
    ],
)
def test_the_verdict_follows_from_before_and_after(before, after, verdict):
    assert matrix_verdict(cells(before, after)) is verdict


def test_base_does_not_decide():
    assert matrix_verdict(cells(1, 0, base=(0, 1))) is Verdict.FAIL2PASS


def test_a_fault_in_the_base_stage_spoils_nothing():
    assert matrix_verdict(cells(1, 0, base=None)) is Verdict.FAIL2PASS


def test_nothing_is_inconclusive():
    assert matrix_verdict([]) is Verdict.INCONCLUSIVE


def test_an_evaluation_that_contradicts_itself_is_named():
    assert inconclusive_cause(cells(1, 23)).startswith("after: ")
    assert inconclusive_cause(cells(1, 0)) == ""


def test_a_stage_that_ended_in_two_ways_is_named():
    assert flaky_cause(cells((1, 1), (1, 0, 0))) == "after ended with 0 and 1"
    assert flaky_cause(cells((1, 1), (0, None), base=(0, 1))) == ""


def test_every_verdict_has_its_sentence():
    assert set(VERDICT_MESSAGES) == set(Verdict)
