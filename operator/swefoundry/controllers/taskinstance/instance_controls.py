"""Controls of an instance that is `fail2pass`: gather what each compares, in the order of `validation.controls`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.api.taskinstance import Evaluation
from swefoundry.contracts.controls import ControlName, ControlResult
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.child_env_build import fetch_env_build
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.stored_evaluations import StoredEvaluation, read_evaluation
from swefoundry.grading.control_checks import ControlRun, base_tests, null_patch, reversed_gold
from swefoundry.grading.verdict import Verdict
from swefoundry.workloads.context import ReconcileContext


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


async def run_controls(
    verdict: Verdict,
    evaluations: Sequence[StoredEvaluation],
    tolerated: Sequence[str],
    observed: Observation,
    context: ReconcileContext,
) -> tuple[ControlResult, ...]:
    """Return the results of the controls that the spec asks for; none for other verdicts, which nobody exports."""
    names = observed.task.spec.validation.controls
    if verdict is not Verdict.FAIL2PASS or not names:
        return ()
    prepared = observed.task.status.prepared
    inputs = ControlInputs(
        base=_runs(Stage.BASE, evaluations),
        before=[*await _probe_runs(observed, context), *_runs(Stage.BEFORE, evaluations)],
        gold_difference=prepared.gold_difference if prepared else None,
        tolerated=tolerated,
    )
    return tuple(CHECKS[name](inputs) for name in names)


async def _probe_runs(observed: Observation, context: ReconcileContext) -> list[ControlRun]:
    """The probe's `before`: the same command in the same image as that of the matrix."""
    build = observed.build or await fetch_env_build(observed, context)
    items = accepted_probes(build.status) if build else []
    return [
        _run(await read_evaluation(item, context, observed.repository))
        for item in items
        if item.stage is Stage.BEFORE
    ]


def accepted_probes(status: EnvBuildStatus) -> list[Evaluation]:
    """Return the probes of the draft whose image was accepted, as evaluations."""
    rounds = [each for each in status.rounds if each.image is not None and each.image == status.image]
    return [
        Evaluation(stage=each.stage, repeat=0, code=each.code, raw_exit=each.raw_exit, evidence=each.evidence)
        for each in (rounds[-1].probes if rounds else ())
    ]


def _runs(stage: Stage, evaluations: Sequence[StoredEvaluation]) -> list[ControlRun]:
    return [_run(item) for item in evaluations if item.bundled.stage is stage]


def _run(item: StoredEvaluation) -> ControlRun:
    return ControlRun(item.bundled.code, item.statuses, item.bundled.evidence, item.disagreement)
