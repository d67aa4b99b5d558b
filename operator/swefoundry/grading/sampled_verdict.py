"""Verdict from all samples of `before` and `after`, with the tests left out that do not do the same each time. Pure.

An evaluation whose only failures are unstable tests counts as passed, one that hung in a test as failed, and so does an
`after` in which a tolerated test fails that does not fail before. What remains is judged by the table of
:mod:`swefoundry.grading.verdict`. Where that says `fail2pass` or `pass2pass`, the tests must agree:

- the tests turn only where unstable ones are counted: `flaky`
- no test turns but those of files that could not be collected: `error2pass`
- no test turns: `flaky` where tests are unstable, else `inconclusive`, as when those that failed are skipped

An `error2pass` or a `pass2pass` in which no test passes each time after the fix says nothing either: `flaky` or
`inconclusive`.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.grading.hangs import explains_time_limit
from swefoundry.grading.result_sets import COARSE_STATUS, CaseSets, CoarseStatus
from swefoundry.grading.samples import outcomes_by_shape, unstable_shapes
from swefoundry.grading.testcase_status import CaseStatuses
from swefoundry.grading.verdict import MatrixCell, Verdict, matrix_verdict


@dataclass(frozen=True)
class SampledRun:
    """One evaluation with the statuses of its tests."""

    stage: Stage
    code: int | None
    statuses: CaseStatuses | None
    """None when they are not known."""
    running: str | None = None
    """The test in which the run ended."""
    seconds: float | None = None
    """Time that the test command took."""

    @property
    def cell(self) -> MatrixCell:
        return MatrixCell(self.stage, self.code)


def sampled_verdict(
    runs: Sequence[SampledRun], sets: CaseSets | None, tolerated: Collection[str] = ()
) -> Verdict:
    """Return the verdict of the runs of all stages.

    ``sets``: the sets of tests; None when they are not known, and then the codes alone decide. ``tolerated``: tests
    whose failures the exit code does not count.
    """
    if sets is None:
        return matrix_verdict(run.cell for run in runs if run.stage in PROBE)
    counted = _with_codes_of_tests(runs, sets, tolerated)
    stable = list(_cells_of_stable_tests(counted, tolerated))
    verdict = matrix_verdict(stable)
    if verdict is Verdict.PASS2PASS and set(stable) != {run.cell for run in counted if run.stage in PROBE}:
        return Verdict.FLAKY
    if verdict is Verdict.FAIL2PASS and not sets.swe_bench_fail_to_pass:
        return _verdict_without_turning_test(sets)
    if verdict in (Verdict.ERROR2PASS, Verdict.PASS2PASS) and not _has_passing_test(sets):
        return _verdict_without_turning_test(sets)
    return verdict


def _has_passing_test(sets: CaseSets) -> bool:
    """Whether a test passes after the fix, each time."""
    return bool(sets.pass_to_pass or sets.error_to_pass or sets.swe_bench_fail_to_pass)


def explanation(
    runs: Sequence[SampledRun], sets: CaseSets, tolerated: Collection[str], verdict: Verdict
) -> str:
    """Return what the tests did that the exit codes do not tell, as sentences; empty when there is nothing."""
    broken = broken_tolerated_test(runs, sets, tolerated)
    hung = sorted({run.running for run in runs if run.running and _hung(run, runs)})
    by_codes = matrix_verdict(run.cell for run in _with_codes_of_tests(runs, sets, tolerated))
    is_inconclusive = verdict is Verdict.INCONCLUSIVE
    messages = {
        f"the draft tolerates the failure of {broken}, which does not fail before the fix": broken
        is not None,
        f"before: {', '.join(hung)} hangs and counts as failed": bool(hung),
        NO_TURNING_TEST: is_inconclusive and by_codes is Verdict.FAIL2PASS,
        NO_PASSING_TEST: is_inconclusive and by_codes is Verdict.ERROR2PASS,
        NO_RUN_TEST: is_inconclusive and by_codes is Verdict.PASS2PASS,
    }
    return "; ".join(message for message, applies in messages.items() if applies)


NO_TURNING_TEST = "no test passes only with the fix: those that failed before it are skipped or gone after it"
NO_PASSING_TEST = "the tests cannot run before the fix, and none passes after it: all are skipped"
NO_RUN_TEST = "no test passes, with the fix or without it: all are skipped"


def broken_tolerated_test(
    runs: Sequence[SampledRun], sets: CaseSets, tolerated: Collection[str]
) -> str | None:
    """Return a tolerated test that fails after the fix and not before it: the fix, or the environment, broke it."""
    failing = {stage: _failing(stage, runs) for stage in PROBE}
    only_after = failing[Stage.AFTER] - failing[Stage.BEFORE] - set(sets.unstable)
    return min(only_after.intersection(tolerated), default=None)


def _failing(stage: Stage, runs: Sequence[SampledRun]) -> set[str]:
    return {
        test
        for run in runs
        if run.stage is stage
        for test, status in (run.statuses or {}).items()
        if COARSE_STATUS[status] is CoarseStatus.FAIL
    }


def _with_codes_of_tests(
    runs: Sequence[SampledRun], sets: CaseSets, tolerated: Collection[str]
) -> list[SampledRun]:
    """Return the runs with the codes that their tests give them."""
    broken = broken_tolerated_test(runs, sets, tolerated) is not None
    return [_with_code_of_tests(run, runs, broken) for run in runs]


def _with_code_of_tests(run: SampledRun, runs: Sequence[SampledRun], broken: bool) -> SampledRun:
    if _hung(run, runs):
        return replace(run, code=ExitCode.ABORTED)
    if broken and run.stage is Stage.AFTER and run.code == ExitCode.OK:
        return replace(run, code=ExitCode.TESTS_FAILED)
    return run


def _hung(run: SampledRun, runs: Sequence[SampledRun]) -> bool:
    """Whether a run without the fix reached the time limit in a test that passes with it, and soon."""
    if run.stage is not Stage.BEFORE or run.code != ExitCode.TIME_LIMIT:
        return False
    after = [other for other in runs if other.stage is Stage.AFTER]
    return bool(after) and all(
        explains_time_limit(run.running, run.seconds, other.seconds) and _passes(run.running, other)
        for other in after
    )


def _passes(test: str | None, run: SampledRun) -> bool:
    status = (run.statuses or {}).get(test or "")
    return status is not None and COARSE_STATUS[status] is CoarseStatus.PASS


def _verdict_without_turning_test(sets: CaseSets) -> Verdict:
    if sets.error_to_pass:
        return Verdict.ERROR2PASS
    return Verdict.FLAKY if sets.unstable else Verdict.INCONCLUSIVE


def _cells_of_stable_tests(runs: Sequence[SampledRun], tolerated: Collection[str]) -> Iterator[MatrixCell]:
    for stage in PROBE:
        of_stage = [run for run in runs if run.stage is stage]
        unstable = unstable_shapes([run.statuses for run in of_stage if run.statuses is not None])
        for run in of_stage:
            passed = run.code == ExitCode.TESTS_FAILED and _fails_only(
                unstable, run.statuses or {}, tolerated
            )
            yield MatrixCell(stage, ExitCode.OK if passed else run.code)


def _fails_only(unstable: Collection[str], statuses: CaseStatuses, tolerated: Collection[str]) -> bool:
    counted = {test: status for test, status in statuses.items() if test not in tolerated}
    outcomes = outcomes_by_shape(counted)
    failing = {shape for shape, found in outcomes.items() if CoarseStatus.FAIL in found}
    return bool(failing) and failing <= set(unstable)
