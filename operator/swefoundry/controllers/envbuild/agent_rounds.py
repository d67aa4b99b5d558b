"""The agents' part in the loop: what they are told, what they may spend, and the round that their draft begins."""

from swefoundry.api import reasons
from swefoundry.api.envbuild import Agents, Round
from swefoundry.contracts.agent import Ablation, AgentOrder, AgentRecord, Allowance, PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.controllers.envbuild.agent_usage import is_draft
from swefoundry.controllers.envbuild.budget import purse
from swefoundry.controllers.envbuild.next_round import begun, source_of
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.reuse.candidates import references
from swefoundry.controllers.envbuild.steps import AgentsUnpaid, Drafted, Result
from swefoundry.controllers.envbuild.strategy_order import AGENTS
from swefoundry.drafts.overrides import overridden
from swefoundry.drafts.proposal import Proposal
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.agent.launch import launch_agent_pod
from swefoundry.workloads.agent.pod import key_file
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Await, Collect, Launch
from swefoundry.workloads.intake.launch import place
from swefoundry.workloads.lifecycle import count_end, ticket
from swefoundry.workloads.pod_spec import Role
from swefoundry.workloads.volumes import ca_file

HELD_SECONDS = 300.0
"""How often an EnvBuild looks whether there is room in a shared budget, although nobody has woken it."""


async def launch_agent(move: Launch, observed: Observation, context: ReconcileContext) -> Result:
    """Create the agent pod, if the budgets for models allow it."""
    key = Key(BUILDS.kind, observed.build.namespace, observed.build.name)
    async with context.paying:  # two that look at the same moment would both spend what is left
        may = purse(observed.build, context.spending.beside(key), observed.settings)
        if may.spent:
            return AgentsUnpaid(may.spent)
        if may.held:
            context.spending.wait(key)
            return Await(move.work, reasons.QUEUED, may.held, HELD_SECONDS)
        pass_ = ticket(observed.owner, Role.AGENT, move)
        facts = await context.facts(observed.repository, source_of(observed).facts)
        near = await references(observed, context, facts)
        drafts = list(dict.fromkeys(item.known.draft for item in near))
        return await launch_agent_pod(
            context, pass_, move, _order(pass_.nonce, may.allowance, drafts, observed)
        )


def _order(nonce: str, allowance: Allowance, near: list[Digest], observed: Observation) -> AgentOrder:
    build, settings, prepared = observed.build, observed.settings, source_of(observed)
    spec, agents = build.spec, build.status.agents or Agents()
    return AgentOrder(
        nonce=nonce,
        place=place(settings, observed.repository),
        conversation=build.uid,
        repo=spec.repo,
        source=prepared.source,
        facts=prepared.facts,
        version=spec.version,
        language=spec.language,
        created_at=spec.created_at,
        rounds=[past(item) for item in build.status.rounds if item.outcome is not None],
        references=near,
        state=agents.state,
        ladder=list(settings.models),
        allowed_bases=list(settings.allowed_bases),
        base_images=_bases(observed),
        key_file=key_file(settings),
        ca_file=ca_file(settings),
        allowance=allowance,
        ablation=Ablation(
            no_explorer="NoExplorer" in spec.environment.ablations,
            no_feedback="NoFeedback" in spec.environment.ablations,
        ),
        time_limit_seconds=settings.agent_seconds,
    )


def _bases(observed: Observation) -> list[str]:
    """Those of the project's language first."""
    by_language = observed.settings.base_images
    first = by_language.get(observed.build.spec.language or "", [])
    return list(dict.fromkeys([*first, *(name for names in by_language.values() for name in names)]))


def past(item: Round) -> PastRound:
    """A round that ended, as the agents are told of it."""
    return PastRound(
        number=item.number,
        strategy=item.strategy,
        draft=item.draft,
        outcome=RoundOutcome(item.outcome or RoundOutcome.INFRASTRUCTURE),
        message=item.message or "",
        build_log=item.evidence,
        probes={probe.stage.value: probe.evidence for probe in item.probes if probe.evidence is not None},
        codes={probe.stage.value: probe.code for probe in item.probes if probe.code is not None},
    )


async def collect_draft(move: Collect, observed: Observation, context: ReconcileContext) -> Result:
    """What an agent pod left: a round with its draft, or the reason why there is none."""
    count_end(Role.AGENT, move)
    record = AgentRecord.model_validate(move.finished.record)
    if not is_draft(record):
        return Drafted(move, record)
    draft = await context.draft(observed.repository, record.draft or "")
    final = overridden(draft, observed.build.spec.environment.overrides)
    started = await begun(Proposal(strategy=AGENTS, label=record.label, draft=final), observed, context)
    if any(item.draft == started.draft and item.parent is None for item in observed.build.status.rounds):
        message = "the agents wrote a draft that was tried already"
        return Drafted(move, record.model_copy(update={"code": Code.REPEATED, "message": message}))
    claim = {"claimed": record.claimed, "usage": record.usage if record.usage.turns else None}
    return Drafted(move, record, started.model_copy(update=claim))
