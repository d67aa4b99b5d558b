"""Verdict from all samples of `before` and `after`, with the tests left out that do not do the same each time. Pure.

An evaluation whose only failures are unstable tests counts as passed. What remains is judged by the table of
:mod:`swefoundry.grading.verdict`, with two exceptions, which are `flaky`: the tests turn only where unstable ones are
counted, or no stable test passes only with the fix.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.grading.result_sets import CaseSets, CoarseStatus
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
    counted = [run.cell for run in runs if run.stage in PROBE]
    if sets is None or not sets.unstable:
        return matrix_verdict(counted)
    stable = list(_cells_of_stable_tests(runs, tolerated))
    verdict = matrix_verdict(stable)
    if verdict is Verdict.PASS2PASS and set(stable) != set(counted):
        return Verdict.FLAKY
    if verdict is Verdict.FAIL2PASS and not (sets.swe_bench_fail_to_pass or sets.error_to_pass):
        return Verdict.FLAKY
    return verdict


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
