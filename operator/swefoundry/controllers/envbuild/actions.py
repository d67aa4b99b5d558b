"""Doing a step: the only place where an EnvBuild's reconcile touches the cluster and the registry."""

from collections.abc import Awaitable, Callable, Mapping

from swefoundry import errors
from swefoundry.api.envbuild import ProbeResult
from swefoundry.contracts.build import BuildResult
from swefoundry.controllers.envbuild.agent_rounds import collect_draft, launch_agent
from swefoundry.controllers.envbuild.next_round import choose_next_round
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.reuse import candidates
from swefoundry.controllers.envbuild.round_transitions import missing_result_message
from swefoundry.controllers.envbuild.steps import (
    BuildFinished,
    ProbeFinished,
    Propose,
    Result,
    Step,
    stage_of,
)
from swefoundry.controllers.steps import RunWork
from swefoundry.text.log_excerpt import log_excerpt
from swefoundry.workloads import names
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.build.launch import BuildRequest, launch_build
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, Move, StartPod, after_lost_log
from swefoundry.workloads.evaluation.evidence import store_evidence
from swefoundry.workloads.evaluation.launch import (
    EvaluationRequest,
    failed_nodes,
    launch_evaluation,
    network_open,
)
from swefoundry.workloads.intake.launch import INTAKE_WORK, IntakeRequest, finished_intake, launch_intake
from swefoundry.workloads.lifecycle import (
    count_finished_pod,
    gather_partial,
    new_attempt_ref,
    verify_pod_lost,
)

ActionOutcome = tuple[list[Result], errors.SwefoundryError | None]
"""What was achieved, and the first error, if any: what was achieved is written down before the error is raised."""


async def act(step: Step, observed: Observation, context: ReconcileContext) -> ActionOutcome:
    """Do ``step``. Every part is safe to do again."""
    match step:
        case RunWork(moves):
            return await gather_partial(_do_move(move, observed, context) for move in moves)
        case Propose():
            return await gather_partial([choose_next_round(observed, context)])
    return [], None


async def _do_move(move: Move, observed: Observation, context: ReconcileContext) -> Result:
    kind = move.work.partition("-")[0]
    match move:
        case StartPod():
            return await _LAUNCHES.get(kind, _launch_probe)(move, observed, context)
        case CollectResult():
            return await _COLLECTS.get(kind, _collect_probe)(move, observed, context)
        case _:
            return await verify_pod_lost(context, observed.build.namespace, move)


async def _launch_intake(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    spec = observed.build.spec
    what = IntakeRequest(spec.repo, observed.repository, spec.source, spec.base_commit, spec.version)
    return await launch_intake(context, new_attempt_ref(observed.owner, Role.INTAKE, move), move, what)


async def _launch_build(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    prepared, current = observed.prepared_source, observed.open_round
    if prepared is None or current is None:
        raise errors.PermanentError(f"{observed.build.name}: a build without a source or a round")
    what = BuildRequest(
        repository=observed.repository,
        source=prepared.source,
        draft=await context.draft(observed.repository, current.draft),
        tag=observed.image_tag(current.number),
        composed=current.composed,
    )
    return await launch_build(context, new_attempt_ref(observed.owner, Role.BUILD, move), move, what)


async def _launch_probe(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    prepared, current = observed.prepared_source, observed.open_round
    if prepared is None or current is None or current.image is None:
        raise errors.PermanentError(f"{observed.build.name}: a probe without an image")
    stage = stage_of(move.work)
    trial = EvaluationRequest(
        repository=observed.repository,
        image=current.image,
        stage=stage,
        layer=observed.layers[stage],
        tag=names.tag(observed.build.namespace, observed.build.name, f"{current.number}.{stage.value}"),
        draft=await context.draft(observed.repository, current.draft),
        facts=prepared.facts,
        validation=observed.build.spec.validation,
        avoid_nodes=failed_nodes(observed.build.status.attempts, move.work),
    )
    return await launch_evaluation(
        context, new_attempt_ref(observed.owner, Role.EVALUATION, move), move, trial
    )


async def _collect_probe(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    evidence = await store_evidence(context, observed.build.namespace, observed.repository, move)
    if evidence is None:
        return after_lost_log(move, observed.work_state)
    count_finished_pod(Role.EVALUATION, move)
    record, counts = evidence.record, evidence.reports.counts
    reported = bool(evidence.reports.statuses)
    probe = ProbeResult(
        stage=stage_of(move.work),
        code=record.code,
        raw_exit=record.raw_exit,
        tests=counts.total if reported else None,
        failed=counts.failed + counts.errors if reported else None,
        evidence=evidence.digest,
    )
    validation = observed.build.spec.validation
    said = missing_result_message(record, validation.timeout_seconds)
    telling = "\n".join(part for part in (said, log_excerpt(evidence.log)) if part)
    return ProbeFinished(move, probe, telling, network_open(record, validation, context.settings))


async def _collect_intake(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    return finished_intake(move)


async def _collect_build(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    count_finished_pod(Role.BUILD, move)
    return BuildFinished(move, BuildResult.model_validate(move.result.record))


_LAUNCHES: Mapping[str, Callable[[StartPod, Observation, ReconcileContext], Awaitable[Result]]] = {
    INTAKE_WORK: _launch_intake,
    "checkout": candidates.start_checkout,
    "build": _launch_build,
    "agent": launch_agent,
}
"""By the first word of the work; all others are probes."""

_COLLECTS: Mapping[str, Callable[[CollectResult, Observation, ReconcileContext], Awaitable[Result]]] = {
    INTAKE_WORK: _collect_intake,
    "checkout": candidates.collect_checkout,
    "build": _collect_build,
    "agent": collect_draft,
}
