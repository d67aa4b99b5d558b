"""Actions of a TaskInstance's reconcile: the only place where it writes to the cluster and the registry."""

from swefoundry import errors, metrics
from swefoundry.api.taskinstance import ControlEvaluation, Evaluation, Prepared
from swefoundry.contracts.controls import ControlName
from swefoundry.contracts.digests import Layer
from swefoundry.contracts.leaks import LeaksResult
from swefoundry.controllers.steps import Restart, RunWork
from swefoundry.controllers.taskinstance.child_env_build import (
    create_env_build,
    fetch_env_build,
    restart_env_build,
)
from swefoundry.controllers.taskinstance.control_works import control_variation
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    ControlEvaluated,
    CreateEnvBuild,
    DeleteTask,
    EnvBuildDeleted,
    Evaluated,
    Judge,
    LeaksSearched,
    Result,
    Step,
)
from swefoundry.controllers.taskinstance.verdict_store import store_verdict
from swefoundry.kube.resources import TASKS
from swefoundry.workloads.attempt import Work, WorkKind
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, after_lost_log
from swefoundry.workloads.evaluation.evidence import store_evidence
from swefoundry.workloads.evaluation.launch import (
    EvaluationRequest,
    failed_nodes,
    launch_evaluation,
    network_open,
)
from swefoundry.workloads.intake.launch import IntakeRequest, finished_intake, launch_intake
from swefoundry.workloads.leaks.launch import LeaksRequest, launch_leaks, leaks_control
from swefoundry.workloads.lifecycle import (
    MoveActions,
    count_finished_pod,
    gather_partial,
    new_attempt_ref,
    perform_move,
)


async def act(
    step: Step, observed: Observation, context: ReconcileContext
) -> tuple[list[Result], errors.SwefoundryError | None]:
    """Perform ``step``: the results, and the first error, if any. Every part is idempotent.

    The caller writes the results to the status before it raises the error.
    """
    match step:
        case RunWork(moves):
            return await gather_partial(perform_move(move, _ACTIONS, observed, context) for move in moves)
        case CreateEnvBuild():
            return await gather_partial([create_env_build(observed, context)])
        case Judge():
            return await gather_partial([store_verdict(observed, context)])
        case Restart(value):
            await restart_env_build(value, observed, context)
        case DeleteTask():
            await context.kube.delete(
                TASKS, observed.task.namespace, observed.task.name, uid=observed.task.uid
            )
    return [], None


async def _launch_intake(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    spec = observed.task.spec
    request = IntakeRequest(
        repo=spec.repo,
        repository=observed.repository,
        source=spec.source,
        base_commit=spec.base_commit,
        version=spec.version,
        test_patch=spec.test_patch,
        gold_patch=spec.gold_patch,
        mutants=ControlName.MUTATED_GOLD in spec.validation.controls,
        later_clock=ControlName.CLOCK in spec.validation.controls,
    )
    return await launch_intake(context, new_attempt_ref(observed.owner, move), move, request)


async def _launch_evaluation(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: an evaluation without a source or an image")
    build = observed.build or await fetch_env_build(observed, context)
    if build is None:
        return EnvBuildDeleted(task.status.env_build or task.name)
    if build.status.draft is None:
        raise errors.PermanentError(
            f"{task.name}: EnvBuild {build.name} does not name the draft of its image"
        )
    stage = move.work.evaluated_stage
    request = EvaluationRequest(
        repository=observed.repository,
        image=image.digest,
        stage=stage,
        layer=await _layer(move.work, prepared, observed, context),
        draft=await context.draft(observed.repository, build.status.draft),
        facts=prepared.facts,
        validation=task.spec.validation,
        avoid_nodes=failed_nodes(task.status.attempts, move.work),
        variation=control_variation(move.work, task.spec.instance_id),
    )
    return await launch_evaluation(context, new_attempt_ref(observed.owner, move), move, request)


async def _layer(work: Work, prepared: Prepared, observed: Observation, context: ReconcileContext) -> Layer:
    """The layer of the work's tree."""
    if work.control is ControlName.MUTATED_GOLD and prepared.mutants is not None:
        mutants = await context.mutants(observed.repository, prepared.mutants.blob)
        return mutants[work.number].layer
    if work.control is ControlName.CLOCK and prepared.clock_layer is not None:
        return prepared.clock_layer
    return prepared.layers[work.evaluated_stage]


async def _collect_evaluation(
    move: CollectResult, observed: Observation, context: ReconcileContext
) -> Result:
    task = observed.task
    evidence = await store_evidence(context, task.namespace, observed.repository, move)
    if evidence is None:
        return after_lost_log(move, observed.work_state)
    count_finished_pod(move)
    stage, repeat = move.work.evaluated_stage, move.work.number
    if repeat >= task.spec.validation.min_repeats:
        metrics.EXTRA_EVALUATIONS.inc()
    record, counts = evidence.record, evidence.reports.counts
    reported = bool(evidence.reports.statuses)
    evaluation = Evaluation(
        stage=stage,
        repeat=repeat,
        code=record.code,
        raw_exit=record.raw_exit,
        note=record.report_note[:512] if record.report_note else None,
        passed=counts.passed if reported else None,
        failed=counts.failed + counts.errors if reported else None,
        skipped=counts.skipped if reported else None,
        seconds=record.duration_ms / 1000,
        measured=record.measured,
        outcomes=evidence.outcomes,
        evidence=evidence.digest,
    )
    return Evaluated(move, evaluation, network_open(record, task.spec.validation, context.settings))


async def _collect_control(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    task, control = observed.task, move.work.control
    if control is None:
        raise errors.PermanentError(f"{task.name}: {move.work} is no control")
    evidence = await store_evidence(context, task.namespace, observed.repository, move)
    if evidence is None:
        return after_lost_log(move, observed.work_state)
    count_finished_pod(move)
    record = evidence.record
    evaluation = ControlEvaluation(
        control=control, number=move.work.number, code=record.code, evidence=evidence.digest
    )
    return ControlEvaluated(move, evaluation, network_open(record, task.spec.validation, context.settings))


async def _launch_leaks(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: a search for leaks without a source or an image")
    request = LeaksRequest(
        repo=task.spec.repo,
        repository=observed.repository,
        image=image.digest,
        prepared=prepared,
        version=task.spec.version,
        statement=task.spec.problem_statement,
    )
    return await launch_leaks(context, new_attempt_ref(observed.owner, move), move, request)


async def _collect_leaks(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    count_finished_pod(move)
    record = LeaksResult.model_validate(move.result.record)
    experiment = context.settings.experiment_label(observed.task.experiment)
    for kind, number in record.counts.items():
        metrics.LEAKS.labels(kind.value, experiment).inc(number)
    return LeaksSearched(move, leaks_control(record))


async def _collect_intake(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    return finished_intake(move)


_ACTIONS = MoveActions[Observation, ReconcileContext, Result](
    start={
        WorkKind.INTAKE: _launch_intake,
        WorkKind.EVALUATION: _launch_evaluation,
        WorkKind.CONTROL: _launch_evaluation,
        WorkKind.LEAKS: _launch_leaks,
    },
    collect={
        WorkKind.INTAKE: _collect_intake,
        WorkKind.EVALUATION: _collect_evaluation,
        WorkKind.CONTROL: _collect_control,
        WorkKind.LEAKS: _collect_leaks,
    },
)
