"""Controls of an instance that is `fail2pass`: gather what each compares, in the order of `validation.controls`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from swefoundry.api.taskinstance import ControlEvaluation, Evaluation
from swefoundry.contracts.controls import ControlName, ControlResult, control_result
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.stored_evaluations import StoredEvaluation, read_evaluation_if_there
from swefoundry.controllers.taskinstance.stored_samples import StoredSamples
from swefoundry.grading.control_checks import (
    ControlRun,
    base_tests,
    clock,
    cpu,
    null_patch,
    reversed_gold,
    shuffled,
)
from swefoundry.grading.mutation_check import Mutation, judge_mutants, mutated_gold
from swefoundry.grading.result_sets import CaseSets
from swefoundry.workloads.context import ReconcileContext


@dataclass(frozen=True)
class ControlInputs:
    """Everything that controls compare."""

    base: Sequence[ControlRun]
    before: Sequence[ControlRun]
    """The probe of the accepted draft, and the runs of the matrix."""
    after: Sequence[ControlRun]
    varied: Mapping[ControlName, Sequence[ControlRun]]
    """Runs of `after` that a control varied."""
    gold_difference: str | None
    mutation: Mutation | None
    """Runs of `after` without one hunk of the gold patch; None when intake left no mutants."""
    tolerated: Sequence[str]


CHECKS: Mapping[ControlName, Callable[[ControlInputs], ControlResult]] = {
    ControlName.NULL_PATCH: lambda inputs: null_patch(inputs.before),
    ControlName.REVERSED_GOLD: lambda inputs: reversed_gold(inputs.gold_difference),
    ControlName.BASE_TESTS: lambda inputs: base_tests(inputs.base, inputs.tolerated),
    ControlName.SHUFFLED: lambda inputs: shuffled(inputs.after, inputs.varied[ControlName.SHUFFLED]),
    ControlName.CPU: lambda inputs: cpu(inputs.after, inputs.varied[ControlName.CPU]),
    ControlName.CLOCK: lambda inputs: clock(inputs.after, inputs.varied[ControlName.CLOCK]),
    ControlName.MUTATED_GOLD: lambda inputs: mutated_gold(inputs.mutation),
    ControlName.LEAKS: lambda _: control_result(ControlName.LEAKS, "Unknown", "the image was not searched"),
}


@dataclass(frozen=True)
class ControlFindings:
    """Results of all controls."""

    results: tuple[ControlResult, ...] = ()
    test_strength: int | None = None
    """In percent; None when `MutatedGold` was not run."""


async def run_controls(
    sets: CaseSets,
    samples: StoredSamples,
    tolerated: Sequence[str],
    observed: Observation,
    context: ReconcileContext,
) -> ControlFindings:
    """Return the results of the controls that the spec asks for.

    That of `Leaks` is in the status already, when its pod has ended.
    """
    names = observed.task.spec.validation.controls
    prepared = observed.task.status.prepared
    varied = {name: await _varied_runs(name, observed, context) for name in names}
    inputs = ControlInputs(
        base=_runs(Stage.BASE, samples.matrix),
        before=_runs(Stage.BEFORE, [*samples.probes, *samples.matrix]),
        after=_runs(Stage.AFTER, samples.matrix),
        varied=varied,
        gold_difference=prepared.gold_difference if prepared else None,
        mutation=await _mutation(varied.get(ControlName.MUTATED_GOLD), sets, observed, context),
        tolerated=tolerated,
    )
    known = {control.name: control for control in observed.task.status.controls}
    results = tuple(known.get(name) or CHECKS[name](inputs) for name in names)
    return ControlFindings(results, inputs.mutation.strength if inputs.mutation else None)


async def _mutation(
    runs: Sequence[ControlRun] | None, sets: CaseSets, observed: Observation, context: ReconcileContext
) -> Mutation | None:
    """What the mutants' runs gave; None when the control is not asked for, or intake left no mutants."""
    prepared = observed.task.status.prepared
    if runs is None or prepared is None or prepared.mutants is None:
        return None
    mutants = await context.mutants(observed.repository, prepared.mutants.blob)
    fail_to_pass = {*sets.swe_bench_fail_to_pass, *sets.error_to_pass}
    return judge_mutants(prepared.mutants.hunks, mutants, runs, fail_to_pass)


async def _varied_runs(
    name: ControlName, observed: Observation, context: ReconcileContext
) -> list[ControlRun]:
    items = [item for item in observed.task.status.control_evaluations if item.control is name]
    return [replace(await _control_run(item, observed, context), number=item.number) for item in items]


async def _control_run(
    item: ControlEvaluation, observed: Observation, context: ReconcileContext
) -> ControlRun:
    evaluation = Evaluation(
        stage=Stage.AFTER, repeat=0, code=item.code, fault=item.fault, evidence=item.evidence
    )
    return _run(await read_evaluation_if_there(evaluation, context, observed.repository))


def _runs(stage: Stage, evaluations: Sequence[StoredEvaluation]) -> list[ControlRun]:
    return [_run(item) for item in evaluations if item.bundled.stage is stage]


def _run(item: StoredEvaluation) -> ControlRun:
    bundled = item.bundled
    return ControlRun(
        bundled.code,
        item.statuses,
        bundled.evidence,
        item.problem,
        fault=bundled.fault,
        record=bundled.record,
    )
