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
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Await


async def propose(observed: Observation, context: ReconcileContext) -> Proposing:
    """The next round; or whose turn it is, when the strategies that need no model have no other draft."""
    whose = turn(strategies(observed.build.spec.environment, observed.settings), observed.build.status.agents)
    facts = await context.facts(observed.repository, source_of(observed).facts)
    led = waiting(observed, context) is not None
    near = await neighbours(observed, context, facts)
    if isinstance(near, Await | Unusable):
        return near
    learned = await references(observed, context, facts) if RECIPE in whose.rules else ()
    ask = (await _ask(observed, context, facts)).model_copy(
        update={"neighbours": near, "references": learned}
    )
    proposal = next_proposal(whose.rules, ask)
    if proposal is None or proposal.parent is None:
        wait = waiting(observed, context)
        if wait is not None:
            return wait
        if led:  # it ended while the registry was asked: what it has found was not in the answer
            return await propose(observed, context)
        lead(observed.build, context)
    if proposal is not None:
        return Proposed(await begun(proposal, observed, context))
    return AgentsCalled() if whose.agents else NothingProposed()


async def _ask(observed: Observation, context: ReconcileContext, facts: Facts) -> Ask:
    spec, path = observed.build.spec, observed.repository
    return Ask(
        facts=facts,
        language=spec.language,
        created_at=spec.created_at,
        version=spec.version,
        draft=spec.environment.draft,
        overrides=spec.environment.overrides,
        base_images=context.settings.base_images,
        tried=tuple([await _tried(item, path, context) for item in observed.build.status.rounds]),
    )


async def begun(proposal: Proposal, observed: Observation, context: ReconcileContext) -> Round:
    """A round with the proposal's draft; ended already when the policy refuses it."""
    facts = await context.facts(observed.repository, source_of(observed).facts)
    started = Round(
        number=len(observed.build.status.rounds),
        strategy=proposal.strategy,
        label=proposal.label[:200],
        draft=await push_draft(context.registry, observed.repository, proposal.draft),
        parent=proposal.parent,
    )
    found = complaints(proposal.draft.dockerfile, list(context.settings.allowed_bases))
    refused = [item.message for item in found] + [too_long(proposal.draft.test_command, facts.test_files)]
    message = " ".join(filter(None, refused))
    if not message:
        return started
    return started.model_copy(
        update={"outcome": RoundOutcome.POLICY_REFUSED.value, "message": message[:2048]}
    )


def source_of(observed: Observation) -> Prepared:
    """The source and its facts; there is nothing to propose without them."""
    if observed.prepared is None:
        raise errors.GiveUp(f"{observed.build.name}: a proposal without facts")
    return observed.prepared


async def _tried(item: Round, path: str, context: ReconcileContext) -> Tried:
    return Tried(
        strategy=item.strategy,
        label=item.label,
        draft=await context.draft(path, item.draft),
        outcome=RoundOutcome(item.outcome or RoundOutcome.INFRASTRUCTURE),
        message=item.message or "",
        parent=item.parent,
    )
