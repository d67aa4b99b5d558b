"""Rounds of the agents: the pod that writes a draft, within the budgets, and the round that the draft starts."""

import re
from dataclasses import dataclass

from swefoundry.api import reasons
from swefoundry.api.envbuild import Agents, Round
from swefoundry.contracts.agent import (
    Ablation,
    AgentResult,
    AgentSpec,
    Allowance,
    BuildAccess,
    PastRound,
)
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import AGENTS
from swefoundry.controllers.envbuild.agent_usage import has_draft
from swefoundry.controllers.envbuild.base_image_check import existing_base_images
from swefoundry.controllers.envbuild.budget import decide_budget
from swefoundry.controllers.envbuild.next_round import start_round
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.reuse.candidates import draft_references
from swefoundry.controllers.envbuild.round_transitions import ended_rounds
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.steps import AgentBudgetSpent, AgentFinished, Result
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.agent.launch import launch_agent_pod
from swefoundry.workloads.agent.pod import model_key_file
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, Wait
from swefoundry.workloads.lifecycle import count_finished_pod, new_attempt_ref
from swefoundry.workloads.volumes import ca_file, registry_location

_ADDRESS = re.compile(r"https?://(?:[^/\s]*@)?([^/\s,|@]+)")
"""An address, with what stands before its host: a user and a password."""
BUDGET_REQUEUE_SECONDS = 300.0
"""Requeue interval (s) while a shared budget has no room: a change of usage enqueues it sooner."""


@dataclass(frozen=True)
class AgentGround:
    """What the operator looked up for the agents."""

    references: list[Digest]
    base_images: list[str]
    missing_images: list[str]


async def launch_agent(move: StartPod, observed: Observation, context: EnvBuildContext) -> Result:
    """Create the agent pod, if the budgets for models allow it."""
    key = Key(BUILDS.kind, observed.build.namespace, observed.build.name)
    coordination = context.coordination
    async with coordination.budget_lock:  # two concurrent reconciles would both spend what is left
        decision = decide_budget(observed.build, coordination.usage_index.excluding(key), observed.settings)
        if decision.spent:
            return AgentBudgetSpent(decision.spent)
        if decision.held:
            coordination.usage_index.wait_for_budget(key)
            return Wait(str(move.work), reasons.QUEUED, decision.held, BUDGET_REQUEUE_SECONDS)
        attempt = new_attempt_ref(observed.owner, move)
        facts = await context.facts(observed.repository, observed.require_source().facts)
        references = await draft_references(observed, context, facts)
        drafts = list(dict.fromkeys(item.known.draft for item in references))
        ground = AgentGround(
            references=drafts,
            base_images=await existing_base_images(observed, facts, context),
            missing_images=context.base_images.known_missing,
        )
        return await launch_agent_pod(
            context, attempt, move, _agent_spec(attempt.nonce, decision.allowance, ground, observed)
        )


def _agent_spec(nonce: str, allowance: Allowance, ground: AgentGround, observed: Observation) -> AgentSpec:
    build, settings, prepared = observed.build, observed.settings, observed.require_source()
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
        rounds=[past_round(item, outcome) for item, outcome in ended_rounds(build.status.rounds)],
        references=ground.references,
        state=agents.state,
        ladder=list(settings.models),
        allowed_bases=list(settings.allowed_bases),
        base_images=ground.base_images,
        missing_images=ground.missing_images or None,
        mirrors=dict(settings.build_mirrors) or None,
        build_access=build_access(settings),
        key_file=model_key_file(settings),
        ca_file=ca_file(settings),
        allowance=allowance,
        ablation=Ablation(
            no_explorer="NoExplorer" in spec.environment.ablations,
            no_feedback="NoFeedback" in spec.environment.ablations,
        ),
        time_limit_seconds=settings.agent_seconds,
    )


def build_access(settings: Settings) -> BuildAccess:
    """What builds add and reach, with hosts in place of addresses: prompts leave the cluster."""
    return BuildAccess(
        variables={name: _host_of(value) for name, value in sorted(settings.build_args.items())},
        certificates=bool(settings.ca_config_map),
        hosts=list(settings.build_hosts),
    )


def _host_of(value: str) -> str:
    """``host[:port]`` of the first address in a setting; empty where it has none."""
    found = _ADDRESS.search(value)
    return found[1] if found else ""


def past_round(item: Round, outcome: RoundOutcome) -> PastRound:
    """An ended round as the agents' spec describes it."""
    return PastRound(
        number=item.index,
        strategy=item.strategy,
        label=item.label or None,
        draft=item.draft,
        outcome=outcome,
        message=item.message or "",
        build_log=item.evidence,
        probes={probe.stage.value: probe.evidence for probe in item.probes if probe.evidence is not None},
        codes={probe.stage.value: probe.code for probe in item.probes if probe.code is not None},
    )


async def collect_draft(move: CollectResult, observed: Observation, context: ReconcileContext) -> Result:
    """Start a round with the draft of an agent pod; without a draft, the record has the reason."""
    count_finished_pod(move)
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
