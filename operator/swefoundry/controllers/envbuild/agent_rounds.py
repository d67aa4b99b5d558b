"""The agents' part in the loop: what they are told, what they may spend, and the round that their draft begins."""

from swefoundry.api import reasons
from swefoundry.api.envbuild import Agents, Round
from swefoundry.contracts.agent import Ablation, AgentResult, AgentSpec, Allowance, PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import AGENTS
from swefoundry.controllers.envbuild.agent_usage import has_draft
from swefoundry.controllers.envbuild.budget import decide_budget
from swefoundry.controllers.envbuild.next_round import require_source, start_round
from swefoundry.controllers.envbuild.observe import Observation
from swefoundry.controllers.envbuild.reuse.candidates import draft_references
from swefoundry.controllers.envbuild.steps import AgentBudgetSpent, AgentFinished, Result
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.agent.launch import launch_agent_pod
from swefoundry.workloads.agent.pod import model_key_file
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, Wait
from swefoundry.workloads.lifecycle import count_finished_pod, new_attempt_ref
from swefoundry.workloads.volumes import ca_file, registry_location

BUDGET_REQUEUE_SECONDS = 300.0
"""How often an EnvBuild looks whether there is room in a shared budget, although nobody has woken it."""


async def launch_agent(move: StartPod, observed: Observation, context: ReconcileContext) -> Result:
    """Create the agent pod, if the budgets for models allow it."""
    key = Key(BUILDS.kind, observed.build.namespace, observed.build.name)
    async with context.budget_lock:  # two that look at the same moment would both spend what is left
        may = decide_budget(observed.build, context.usage_index.excluding(key), observed.settings)
        if may.spent:
            return AgentBudgetSpent(may.spent)
        if may.held:
            context.usage_index.wait_for_budget(key)
            return Wait(move.work, reasons.QUEUED, may.held, BUDGET_REQUEUE_SECONDS)
        pass_ = new_attempt_ref(observed.owner, Role.AGENT, move)
        facts = await context.facts(observed.repository, require_source(observed).facts)
        near = await draft_references(observed, context, facts)
        drafts = list(dict.fromkeys(item.known.draft for item in near))
        return await launch_agent_pod(
            context, pass_, move, _agent_spec(pass_.nonce, may.allowance, drafts, observed)
        )


def _agent_spec(nonce: str, allowance: Allowance, near: list[Digest], observed: Observation) -> AgentSpec:
    build, settings, prepared = observed.build, observed.settings, require_source(observed)
    spec, agents = build.spec, build.status.agents or Agents()
    return AgentSpec(
        nonce=nonce,
        place=registry_location(settings, observed.repository),
        conversation=build.uid,
        repo=spec.repo,
        source=prepared.source,
        facts=prepared.facts,
        version=spec.version,
        language=spec.language,
        created_at=spec.created_at,
        rounds=[past_round(item) for item in build.status.rounds if item.outcome is not None],
        references=near,
        state=agents.state,
        ladder=list(settings.models),
        allowed_bases=list(settings.allowed_bases),
        base_images=_base_images(observed),
        key_file=model_key_file(settings),
        ca_file=ca_file(settings),
        allowance=allowance,
        ablation=Ablation(
            no_explorer="NoExplorer" in spec.environment.ablations,
            no_feedback="NoFeedback" in spec.environment.ablations,
        ),
        time_limit_seconds=settings.agent_seconds,
    )


def _base_images(observed: Observation) -> list[str]:
    """Those of the project's language first."""
    by_language = observed.settings.base_images
    first = by_language.get(observed.build.spec.language or "", [])
    return list(dict.fromkeys([*first, *(name for names in by_language.values() for name in names)]))


def past_round(item: Round) -> PastRound:
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


async def collect_draft(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    """What an agent pod left: a round with its draft, or the reason why there is none."""
    count_finished_pod(Role.AGENT, move)
    record = AgentResult.model_validate(move.result.record)
    if not has_draft(record):
        return AgentFinished(move, record)
    draft = await context.draft(observed.repository, record.draft or "")
    final = with_overrides(draft, observed.build.spec.environment.overrides)
    started = await start_round(Proposal(strategy=AGENTS, label=record.label, draft=final), observed, context)
    if any(item.draft == started.draft and item.parent is None for item in observed.build.status.rounds):
        message = "the agents wrote a draft that was tried already"
        return AgentFinished(move, record.model_copy(update={"code": ExitCode.REPEATED, "message": message}))
    claim = {"claimed": record.claimed, "usage": record.usage if record.usage.turns else None}
    return AgentFinished(move, record, started.model_copy(update=claim))
