"""Controls of an instance that is `fail2pass`: gather what each compares, in the order of `validation.controls`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from swefoundry.contracts.controls import ControlName, ControlResult
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.stored_evaluations import StoredEvaluation
from swefoundry.controllers.taskinstance.stored_samples import StoredSamples
from swefoundry.grading.control_checks import ControlRun, base_tests, null_patch, reversed_gold
from swefoundry.grading.verdict import Verdict


@dataclass(frozen=True)
class ControlInputs:
    """Everything that controls compare."""

    base: Sequence[ControlRun]
    before: Sequence[ControlRun]
    """The probe of the accepted draft, and the runs of the matrix."""
    gold_difference: str | None
    tolerated: Sequence[str]


CHECKS: Mapping[ControlName, Callable[[ControlInputs], ControlResult]] = {
    ControlName.NULL_PATCH: lambda inputs: null_patch(inputs.before),
    ControlName.REVERSED_GOLD: lambda inputs: reversed_gold(inputs.gold_difference),
    ControlName.BASE_TESTS: lambda inputs: base_tests(inputs.base, inputs.tolerated),
}


def run_controls(
    verdict: Verdict, samples: StoredSamples, tolerated: Sequence[str], observed: Observation
) -> tuple[ControlResult, ...]:
    """Return the results of the controls that the spec asks for; none for other verdicts, which nobody exports."""
    names = observed.task.spec.validation.controls
    if verdict is not Verdict.FAIL2PASS or not names:
        return ()
    prepared = observed.task.status.prepared
    inputs = ControlInputs(
        base=_runs(Stage.BASE, samples.matrix),
        before=_runs(Stage.BEFORE, [*samples.probes, *samples.matrix]),
        gold_difference=prepared.gold_difference if prepared else None,
        tolerated=tolerated,
    )
    return tuple(CHECKS[name](inputs) for name in names)


def _runs(stage: Stage, evaluations: Sequence[StoredEvaluation]) -> list[ControlRun]:
    return [_run(item) for item in evaluations if item.bundled.stage is stage]


def _run(item: StoredEvaluation) -> ControlRun:
    return ControlRun(item.bundled.code, item.statuses, item.bundled.evidence, item.problem)
