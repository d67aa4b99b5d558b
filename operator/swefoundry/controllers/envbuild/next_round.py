"""Asking for the next draft: everything that a strategy may know, and the round that its answer begins."""

from swefoundry import errors
from swefoundry.api.envbuild import Round
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.controllers.envbuild.leader import become_leader
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.reuse.candidates import draft_references, leader_wait, reuse_candidates
from swefoundry.controllers.envbuild.steps import (
    AgentsRequested,
    NoDraftLeft,
    ParentUnusable,
    PreparedSource,
    Proposing,
    RoundStarted,
)
from swefoundry.controllers.envbuild.strategy_order import next_strategies, ordered_strategies
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from swefoundry.drafts.evaluation_command import command_length_problem
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.oci.draft_store import push_draft
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Wait


async def choose_next_round(observed: Observation, context: ReconcileContext) -> Proposing:
    """The next round; or whose turn it is, when the strategies that need no model have no other draft."""
    whose = next_strategies(
        ordered_strategies(observed.build.spec.environment, observed.settings), observed.build.status.agents
    )
    facts = await context.facts(observed.repository, require_source(observed).facts)
    led = leader_wait(observed, context) is not None
    near = await reuse_candidates(observed, context, facts)
    if isinstance(near, Wait | ParentUnusable):
        return near
    learned = await draft_references(observed, context, facts) if RECIPE in whose.without_model else ()
    ask = (await _strategy_input(observed, context, facts)).model_copy(
        update={"neighbours": near, "references": learned}
    )
    proposal = next_proposal(whose.without_model, ask)
    if proposal is None or proposal.parent is None:
        wait = leader_wait(observed, context)
        if wait is not None:
            return wait
        if led:  # it ended while the registry was asked: what it has found was not in the answer
            return await choose_next_round(observed, context)
        become_leader(observed.build, context)
    if proposal is not None:
        return RoundStarted(await start_round(proposal, observed, context))
    return AgentsRequested() if whose.agents else NoDraftLeft()


async def _strategy_input(observed: Observation, context: ReconcileContext, facts: Facts) -> StrategyInput:
    spec, path = observed.build.spec, observed.repository
    return StrategyInput(
        facts=facts,
        language=spec.language,
        created_at=spec.created_at,
        version=spec.version,
        draft=spec.environment.draft,
        overrides=spec.environment.overrides,
        base_images=context.settings.base_images,
        tried=tuple([await _tried_round(item, path, context) for item in observed.build.status.rounds]),
    )


async def start_round(proposal: Proposal, observed: Observation, context: ReconcileContext) -> Round:
    """A round with the proposal's draft; ended already when the policy refuses it."""
    facts = await context.facts(observed.repository, require_source(observed).facts)
    started = Round(
        number=len(observed.build.status.rounds),
        strategy=proposal.strategy,
        label=proposal.label[:200],
        draft=await push_draft(context.registry, observed.repository, proposal.draft),
        parent=proposal.parent,
    )
    found = violations(proposal.draft.dockerfile, list(context.settings.allowed_bases))
    refused = [item.message for item in found] + [
        command_length_problem(proposal.draft.test_command, facts.test_files)
    ]
    message = " ".join(filter(None, refused))
    if not message:
        return started
    return started.model_copy(
        update={"outcome": RoundOutcome.POLICY_REFUSED.value, "message": message[:2048]}
    )


def require_source(observed: Observation) -> PreparedSource:
    """The source and its facts; there is nothing to propose without them."""
    if observed.prepared_source is None:
        raise errors.PermanentError(f"{observed.build.name}: a proposal without facts")
    return observed.prepared_source


async def _tried_round(item: Round, path: str, context: ReconcileContext) -> TriedRound:
    return TriedRound(
        strategy=item.strategy,
        label=item.label,
        draft=await context.draft(path, item.draft),
        outcome=RoundOutcome(item.outcome or RoundOutcome.INFRASTRUCTURE),
        message=item.message or "",
        parent=item.parent,
    )
