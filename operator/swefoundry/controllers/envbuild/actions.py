"""Doing a step: the only place where an EnvBuild's reconcile touches the cluster and the registry."""

from collections.abc import Awaitable, Callable, Mapping

from swefoundry import errors
from swefoundry.api.envbuild import ProbeResult
from swefoundry.contracts.build import BuildRecord
from swefoundry.controllers.envbuild.agent_rounds import collect_draft, launch_agent
from swefoundry.controllers.envbuild.next_round import propose
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.reuse import candidates
from swefoundry.controllers.envbuild.round_transitions import ending
from swefoundry.controllers.envbuild.steps import Built, Probed, Propose, Result, Step, stage_of
from swefoundry.controllers.steps import Pursue
from swefoundry.text.log_excerpt import telling_lines
from swefoundry.workloads import names
from swefoundry.workloads.build.launch import Construction, launch_build
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Collect, Launch, Move, without_evidence
from swefoundry.workloads.evaluation.launch import Trial, launch_evaluation, network_open, nodes_of
from swefoundry.workloads.intake.launch import INTAKE, Intake, launch_intake, taken_in
from swefoundry.workloads.lifecycle import confirmed, count_end, keep_evidence, ticket, together
from swefoundry.workloads.pod_spec import Role

Outcome = tuple[list[Result], errors.SwefoundryError | None]
"""What was achieved, and the first error, if any: what was achieved is written down before the error is raised."""


async def act(step: Step, observed: Observation, context: ReconcileContext) -> Outcome:
    """Do ``step``. Every part is safe to do again."""
    match step:
        case Pursue(moves):
            return await together(_move(move, observed, context) for move in moves)
        case Propose():
            return await together([propose(observed, context)])
    return [], None


async def _move(move: Move, observed: Observation, context: ReconcileContext) -> Result:
    kind = move.work.partition("-")[0]
    match move:
        case Launch():
            return await _LAUNCHES.get(kind, _launch_probe)(move, observed, context)
        case Collect():
            return await _COLLECTS.get(kind, _collect_probe)(move, observed, context)
        case _:
            return await confirmed(context, observed.build.namespace, move)


async def _launch_intake(move: Launch, observed: Observation, context: ReconcileContext) -> Result:
    spec = observed.build.spec
    what = Intake(spec.repo, observed.repository, spec.source, spec.base_commit, spec.version)
    return await launch_intake(context, ticket(observed.owner, Role.INTAKE, move), move, what)


async def _launch_build(move: Launch, observed: Observation, context: ReconcileContext) -> Result:
    prepared, current = observed.prepared, observed.open_round
    if prepared is None or current is None:
        raise errors.GiveUp(f"{observed.build.name}: a build without a source or a round")
    what = Construction(
        repository=observed.repository,
        source=prepared.source,
        draft=await context.draft(observed.repository, current.draft),
        tag=observed.image_tag(current.number),
        composed=current.composed,
    )
    return await launch_build(context, ticket(observed.owner, Role.BUILD, move), move, what)


async def _launch_probe(move: Launch, observed: Observation, context: ReconcileContext) -> Result:
    prepared, current = observed.prepared, observed.open_round
    if prepared is None or current is None or current.image is None:
        raise errors.GiveUp(f"{observed.build.name}: a probe without an image")
    stage = stage_of(move.work)
    trial = Trial(
        repository=observed.repository,
        image=current.image,
        stage=stage,
        layer=observed.layers[stage],
        tag=names.tag(observed.build.namespace, observed.build.name, f"{current.number}.{stage.value}"),
        draft=await context.draft(observed.repository, current.draft),
        facts=prepared.facts,
        validation=observed.build.spec.validation,
        avoid_nodes=nodes_of(observed.build.status.attempts, move.work),
    )
    return await launch_evaluation(context, ticket(observed.owner, Role.EVALUATION, move), move, trial)


async def _collect_probe(move: Collect, observed: Observation, context: ReconcileContext) -> Result:
    evidence = await keep_evidence(context, observed.build.namespace, observed.repository, move)
    if evidence is None:
        return without_evidence(move, observed.bench)
    count_end(Role.EVALUATION, move)
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
    said = ending(record, validation.timeout_seconds)
    telling = "\n".join(part for part in (said, telling_lines(evidence.log)) if part)
    return Probed(move, probe, telling, network_open(record, validation, context.settings))


async def _collect_intake(move: Collect, observed: Observation, context: ReconcileContext) -> Result:
    return taken_in(move)


async def _collect_build(move: Collect, observed: Observation, context: ReconcileContext) -> Result:
    count_end(Role.BUILD, move)
    return Built(move, BuildRecord.model_validate(move.finished.record))


_LAUNCHES: Mapping[str, Callable[[Launch, Observation, ReconcileContext], Awaitable[Result]]] = {
    INTAKE: _launch_intake,
    "checkout": candidates.launch,
    "build": _launch_build,
    "agent": launch_agent,
}
"""By the first word of the work; all others are probes."""

_COLLECTS: Mapping[str, Callable[[Collect, Observation, ReconcileContext], Awaitable[Result]]] = {
    INTAKE: _collect_intake,
    "checkout": candidates.collect,
    "build": _collect_build,
    "agent": collect_draft,
}
