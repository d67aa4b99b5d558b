"""Doing a step: the only place where an EnvBuild's reconcile touches the cluster and the registry."""

from swefoundry import errors
from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.attempts.act import confirmed, count_end, keep_evidence, ticket, together
from swefoundry.attempts.build import Construction, launch_build
from swefoundry.attempts.decide import Collect, Launch, Move, without_evidence
from swefoundry.attempts.evaluation import Trial, launch_evaluation
from swefoundry.attempts.intake import Intake, launch_intake
from swefoundry.attempts.world import World
from swefoundry.domain.commands import too_long
from swefoundry.domain.dockerfiles import complaints
from swefoundry.domain.rounds import Ask, Proposal, RoundOutcome, Tried
from swefoundry.domain.telling import telling_lines
from swefoundry.domain.work import BuildRecord, IntakeRecord
from swefoundry.envbuild.observe import Observation
from swefoundry.envbuild.rounds import ending
from swefoundry.envbuild.steps import (
    INTAKE,
    Built,
    NothingProposed,
    Probed,
    Propose,
    Proposed,
    Pursue,
    Result,
    Step,
    TakenIn,
    stage_of,
)
from swefoundry.pods import names
from swefoundry.pods.hardening import Role
from swefoundry.strategies import next_proposal

Outcome = tuple[list[Result], errors.SwefoundryError | None]
"""What was achieved, and the first error, if any: what was achieved is written down before the error is raised."""


async def act(step: Step, seen: Observation, world: World) -> Outcome:
    """Do ``step``. Every part is safe to do again."""
    match step:
        case Pursue(moves):
            return await together(_move(move, seen, world) for move in moves)
        case Propose():
            return await together([_propose(seen, world)])
    return [], None


async def _move(move: Move, seen: Observation, world: World) -> Result:
    match move:
        case Launch(work=work) if work == INTAKE:
            return await _launch_intake(move, seen, world)
        case Launch(work=work) if work.startswith("build-"):
            return await _launch_build(move, seen, world)
        case Launch():
            return await _launch_probe(move, seen, world)
        case Collect(work=work) if work == INTAKE:
            count_end(Role.INTAKE, move)
            return TakenIn(move, IntakeRecord.model_validate(move.finished.record))
        case Collect(work=work) if work.startswith("build-"):
            count_end(Role.BUILD, move)
            return Built(move, BuildRecord.model_validate(move.finished.record))
        case Collect():
            return await _collect_probe(move, seen, world)
        case _:
            return await confirmed(world, seen.build.namespace, move)


async def _launch_intake(move: Launch, seen: Observation, world: World) -> Result:
    spec = seen.build.spec
    what = Intake(spec.repo, seen.repository, spec.source, spec.base_commit, spec.version)
    return await launch_intake(world, ticket(seen.owner, Role.INTAKE, move), move, what)


async def _launch_build(move: Launch, seen: Observation, world: World) -> Result:
    prepared, current = seen.prepared, seen.open_round
    if prepared is None or current is None:
        raise errors.GiveUp(f"{seen.build.name}: a build without a source or a round")
    what = Construction(
        repository=seen.repository,
        source=prepared.source,
        draft=await world.draft(seen.repository, current.draft),
        tag=seen.image_tag(current.number),
    )
    return await launch_build(world, ticket(seen.owner, Role.BUILD, move), move, what)


async def _launch_probe(move: Launch, seen: Observation, world: World) -> Result:
    prepared, current = seen.prepared, seen.open_round
    if prepared is None or current is None or current.image is None:
        raise errors.GiveUp(f"{seen.build.name}: a probe without an image")
    stage = stage_of(move.work)
    trial = Trial(
        repository=seen.repository,
        image=current.image,
        stage=stage,
        layer=seen.layers[stage],
        tag=names.tag(seen.build.namespace, seen.build.name, f"{current.number}.{stage.value}"),
        draft=await world.draft(seen.repository, current.draft),
        facts=prepared.facts,
        validation=seen.build.spec.validation,
        avoid_nodes=tuple(
            {item.node for item in seen.build.status.attempts if item.work == move.work and item.node}
        ),
    )
    return await launch_evaluation(world, ticket(seen.owner, Role.EVALUATION, move), move, trial)


async def _collect_probe(move: Collect, seen: Observation, world: World) -> Result:
    evidence = await keep_evidence(world, seen.build.namespace, seen.repository, move)
    if evidence is None:
        return without_evidence(move, seen.bench)
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
    denied = seen.build.spec.validation.network == "Deny" and world.settings.require_isolation
    said = ending(record, seen.build.spec.validation.timeout_seconds)
    telling = "\n".join(part for part in (said, telling_lines(evidence.log)) if part)
    return Probed(move, probe, telling, denied and record.network == "open")


async def _propose(seen: Observation, world: World) -> Result:
    prepared = seen.prepared
    if prepared is None:
        raise errors.GiveUp(f"{seen.build.name}: a proposal without facts")
    spec, path = seen.build.spec, seen.repository
    ask = Ask(
        facts=await world.facts(path, prepared.facts),
        language=spec.language,
        created_at=spec.created_at,
        version=spec.version,
        draft=spec.environment.draft,
        overrides=spec.environment.overrides,
        base_images=world.settings.base_images,
        tried=tuple([await _tried(item, path, world) for item in seen.build.status.rounds]),
    )
    proposal = next_proposal(strategies(seen), ask)
    if proposal is None:
        return NothingProposed()
    return Proposed(await _begin(proposal, ask, seen, world))


async def _begin(proposal: Proposal, ask: Ask, seen: Observation, world: World) -> Round:
    started = Round(
        number=len(seen.build.status.rounds),
        strategy=proposal.strategy,
        label=proposal.label[:200],
        draft=await world.registry.put_blob(seen.repository, proposal.draft.stored()),
    )
    found = complaints(proposal.draft.dockerfile, list(world.settings.allowed_bases))
    refused = [item.message for item in found] + [too_long(proposal.draft.test_command, ask.facts.test_files)]
    message = " ".join(filter(None, refused))
    if not message:
        return started
    return started.model_copy(
        update={"outcome": RoundOutcome.POLICY_REFUSED.value, "message": message[:2048]}
    )


async def _tried(item: Round, path: str, world: World) -> Tried:
    return Tried(
        strategy=item.strategy,
        label=item.label,
        draft=await world.draft(path, item.draft),
        outcome=RoundOutcome(item.outcome or RoundOutcome.INFRASTRUCTURE),
        message=item.message or "",
    )


def strategies(seen: Observation) -> list[str]:
    """The strategies to try, in order."""
    environment = seen.build.spec.environment
    return list(environment.strategies) or (["fixed"] if environment.draft is not None else ["recipe"])
