"""Asking for the next draft: everything that a strategy may know, and the round that its answer begins."""

from swefoundry import errors
from swefoundry.api.envbuild import Round
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.controllers.envbuild.leader import lead
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.reuse.candidates import neighbours, references, waiting
from swefoundry.controllers.envbuild.steps import (
    AgentsCalled,
    NothingProposed,
    Prepared,
    Proposed,
    Proposing,
    Unusable,
)
from swefoundry.controllers.envbuild.strategy_order import RECIPE, strategies, turn
from swefoundry.dockerfile.policy import complaints
from swefoundry.drafts import next_proposal
from swefoundry.drafts.evaluation_command import too_long
from swefoundry.drafts.proposal import Ask, Proposal, Tried
from swefoundry.oci.draft_store import push_draft
from swefoundry.workloads.context import World
from swefoundry.workloads.decide import Await


async def propose(seen: Observation, world: World) -> Proposing:
    """The next round; or whose turn it is, when the strategies that need no model have no other draft."""
    whose = turn(strategies(seen.build.spec.environment, seen.settings), seen.build.status.agents)
    facts = await world.facts(seen.repository, source_of(seen).facts)
    led = waiting(seen, world) is not None
    near = await neighbours(seen, world, facts)
    if isinstance(near, Await | Unusable):
        return near
    learned = await references(seen, world, facts) if RECIPE in whose.rules else ()
    ask = (await _ask(seen, world, facts)).model_copy(update={"neighbours": near, "references": learned})
    proposal = next_proposal(whose.rules, ask)
    if proposal is None or proposal.parent is None:
        wait = waiting(seen, world)
        if wait is not None:
            return wait
        if led:  # it ended while the registry was asked: what it has found was not in the answer
            return await propose(seen, world)
        lead(seen.build, world)
    if proposal is not None:
        return Proposed(await begun(proposal, seen, world))
    return AgentsCalled() if whose.agents else NothingProposed()


async def _ask(seen: Observation, world: World, facts: Facts) -> Ask:
    spec, path = seen.build.spec, seen.repository
    return Ask(
        facts=facts,
        language=spec.language,
        created_at=spec.created_at,
        version=spec.version,
        draft=spec.environment.draft,
        overrides=spec.environment.overrides,
        base_images=world.settings.base_images,
        tried=tuple([await _tried(item, path, world) for item in seen.build.status.rounds]),
    )


async def begun(proposal: Proposal, seen: Observation, world: World) -> Round:
    """A round with the proposal's draft; ended already when the policy refuses it."""
    facts = await world.facts(seen.repository, source_of(seen).facts)
    started = Round(
        number=len(seen.build.status.rounds),
        strategy=proposal.strategy,
        label=proposal.label[:200],
        draft=await push_draft(world.registry, seen.repository, proposal.draft),
        parent=proposal.parent,
    )
    found = complaints(proposal.draft.dockerfile, list(world.settings.allowed_bases))
    refused = [item.message for item in found] + [too_long(proposal.draft.test_command, facts.test_files)]
    message = " ".join(filter(None, refused))
    if not message:
        return started
    return started.model_copy(
        update={"outcome": RoundOutcome.POLICY_REFUSED.value, "message": message[:2048]}
    )


def source_of(seen: Observation) -> Prepared:
    """The source and its facts; there is nothing to propose without them."""
    if seen.prepared is None:
        raise errors.GiveUp(f"{seen.build.name}: a proposal without facts")
    return seen.prepared


async def _tried(item: Round, path: str, world: World) -> Tried:
    return Tried(
        strategy=item.strategy,
        label=item.label,
        draft=await world.draft(path, item.draft),
        outcome=RoundOutcome(item.outcome or RoundOutcome.INFRASTRUCTURE),
        message=item.message or "",
        parent=item.parent,
    )
