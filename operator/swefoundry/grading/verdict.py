"""Verdict of a task from its matrix of evaluations.

::

    before   after    verdict
    1|25     0        fail2pass     the only valid one
    21       0        error2pass    the tests could not even run before: they demand names that only the fix knows
    not 0    not 0    fail2fail     (but for 23 and 24)
    0        0        pass2pass
    0        not 0    pass2fail
    23|24    any      inconclusive  exit code and report contradict each other, here or after
    22       0        inconclusive, unless a test hung: see sampled_verdict
    samples of a stage disagree     flaky, unless unstable tests explain it: see sampled_verdict
    a fault on the way              inconclusive

The names and the idea of the matrix are SWE-Factory's (arXiv 2506.10954); flaky, error2pass and inconclusive go
beyond it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import PROBE, Stage


class Verdict(StrEnum):
    """Verdict of the matrix."""

    FAIL2PASS = "fail2pass"
    FAIL2FAIL = "fail2fail"
    PASS2PASS = "pass2pass"
    PASS2FAIL = "pass2fail"
    ERROR2PASS = "error2pass"
    FLAKY = "flaky"
    INCONCLUSIVE = "inconclusive"


VERDICT_MESSAGES = {
    Verdict.FAIL2PASS: "the tests fail before the fix and pass after it",
    Verdict.FAIL2FAIL: "the tests fail after the fix, too: the environment or the row is wrong",
    Verdict.PASS2PASS: "the tests pass without the fix: they do not test it",
    Verdict.PASS2FAIL: "the fix breaks the tests",
    Verdict.ERROR2PASS: "the tests cannot run before the fix: they need names that it introduces",
    Verdict.FLAKY: "repeated evaluations of one tree disagree",
    Verdict.INCONCLUSIVE: "an evaluation ended without a result",
}


@dataclass(frozen=True)
class MatrixCell:
    """One evaluation of the matrix; ``code`` is None when a fault prevented a result."""

    stage: Stage
    code: int | None


def matrix_verdict(cells: Iterable[MatrixCell]) -> Verdict:
    """Return the verdict over all evaluations of a task; `base` does not decide. Pure and total."""
    codes: dict[Stage, set[int | None]] = {stage: set() for stage in Stage}
    for cell in cells:
        codes[cell.stage].add(cell.code)
    graded = (codes[Stage.BEFORE], codes[Stage.AFTER])
    if any(not found or None in found for found in graded):
        return Verdict.INCONCLUSIVE
    if any(len(found) > 1 for found in graded):
        return Verdict.FLAKY
    return pair_verdict(*(found.pop() for found in graded))  # type: ignore[arg-type]


def pair_verdict(before: int, after: int) -> Verdict:
    """Return the verdict of one `before` and one `after` exit code."""
    if not CONTRADICTIONS.keys().isdisjoint((before, after)):
        return Verdict.INCONCLUSIVE
    if after == ExitCode.OK:
        return VERDICT_IF_AFTER_PASSED.get(before, Verdict.INCONCLUSIVE)
    return Verdict.PASS2FAIL if before == ExitCode.OK else Verdict.FAIL2FAIL


CONTRADICTIONS: dict[int, str] = {
    ExitCode.FAILURES_IGNORED: "the test command ended with 0 although its report has failed tests",
    ExitCode.EXIT_UNEXPLAINED: "the test command ended with a failure although every test in its report passed",
}
"""Codes of an evaluation whose exit code and report contradict each other, and what to tell a person."""


BEFORE_TIME_LIMIT = "the test command reached the time limit: a hang that the fix mends, or a slow machine"


def inconclusive_cause(cells: Iterable[MatrixCell]) -> str:
    """Return which evaluation says nothing about the fix, as a sentence; empty when none is known."""
    return next((f"{each.stage}: {cause}" for each in cells if (cause := _inconclusive(each))), "")


def _inconclusive(cell: MatrixCell) -> str:
    if cell.stage is Stage.BEFORE and cell.code == ExitCode.TIME_LIMIT:
        return BEFORE_TIME_LIMIT
    return CONTRADICTIONS.get(cell.code, "") if cell.code is not None else ""


def flaky_cause(cells: Iterable[MatrixCell]) -> str:
    """Return which stage ended with which codes, as a sentence; empty when the codes of each stage agree."""
    codes: dict[Stage, set[int]] = {stage: set() for stage in PROBE}
    for cell in cells:
        if cell.stage in codes and cell.code is not None:
            codes[cell.stage].add(cell.code)
    return ", ".join(
        f"{stage} ended with {' and '.join(map(str, sorted(found)))}"
        for stage, found in codes.items()
        if len(found) > 1
    )


VERDICT_IF_AFTER_PASSED: dict[int, Verdict] = {
    ExitCode.OK: Verdict.PASS2PASS,
    ExitCode.TESTS_FAILED: Verdict.FAIL2PASS,
    ExitCode.ABORTED: Verdict.FAIL2PASS,
    ExitCode.NO_RESULT: Verdict.ERROR2PASS,
    # A test command that exists only after the fix is as unfair as a name that does.
    ExitCode.NOT_RUNNABLE: Verdict.ERROR2PASS,
}
"""Other codes are inconclusive: a time limit before the fix may be the bug itself (a hang) or a slow machine."""
