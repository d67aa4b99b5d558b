"""The agents' part of the status: drafts requested, usage and cost, and how often a model's claim was wrong. Pure."""

from swefoundry.api import reasons
from swefoundry.api.envbuild import Agents, EnvBuildStatus, Round
from swefoundry.contracts.agent import AgentResult
from swefoundry.contracts.budgets import dollars
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.models import Usage
from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES, RoundOutcome

INCONCLUSIVE_OUTCOMES = frozenset({RoundOutcome.INFRASTRUCTURE, RoundOutcome.PUSH_FAILED})
"""Outcomes that say nothing about a claim: the cluster is at fault."""


def record_request(status: EnvBuildStatus) -> EnvBuildStatus:
    """With a draft of the next round requested of the agents."""
    agents = status.agents or Agents()
    return _with_agents(
        status, agents, drafts_requested=agents.drafts_requested + 1, drafting=len(status.rounds) + 1
    )


def record_draft(status: EnvBuildStatus, record: AgentResult, started: Round | None) -> EnvBuildStatus:
    """With the result of an agent pod: a new round, or the reason why the agents end."""
    status = add_usage(status, record.usage)
    agents = status.agents or Agents()
    status = _with_agents(
        status,
        agents,
        drafting=None,
        model_index=record.rung,
        state=record.state or agents.state,
        transcript=record.transcript or agents.transcript,
    )
    if started is None:
        return record_end(status, reasons.AGENT_REASONS.get(record.code, reasons.DEFECT), record.message)
    rounds = [*status.rounds, started]
    return status.model_copy(update={"rounds": rounds, "round": len(rounds)})


def record_end(status: EnvBuildStatus, reason: str, message: str) -> EnvBuildStatus:
    """With the end of the agents, and its reason."""
    agents = status.agents or Agents()
    return _with_agents(status, agents, drafting=None, end_reason=reason, message=message[:2048])


def without_end(agents: Agents | None) -> Agents | None:
    """Agents that may be requested again."""
    return agents and agents.model_copy(update={"end_reason": None, "message": None})


def add_usage(status: EnvBuildStatus, usage: Usage) -> EnvBuildStatus:
    """With the usage of one more agent pod."""
    if not usage.turns:
        return status
    total = (status.usage or Usage()).plus(usage)
    return status.model_copy(update={"usage": total, "cost": dollars(total.micro_usd)})


def score_claims(status: EnvBuildStatus) -> EnvBuildStatus:
    """With the counts of claims that the probes refuted."""
    if status.agents is None:
        return status
    wrong = [item.claimed for item in status.rounds if claim_was_wrong(item)]
    return _with_agents(status, status.agents, overclaimed=wrong.count(True), underclaimed=wrong.count(False))


def has_judged_claim(item: Round) -> bool:
    """Whether a round has a claim and an outcome to compare it with."""
    return item.claimed is not None and item.outcome is not None and item.outcome not in INCONCLUSIVE_OUTCOMES


def claim_was_wrong(item: Round) -> bool:
    """Whether a round's measured outcome is not what the model claimed."""
    return has_judged_claim(item) and item.claimed != (item.outcome in ACCEPTED_OUTCOMES)


def usage_in_message(message: str) -> Usage:
    """Usage in the termination message of a failed agent pod; none when the message is no result."""
    try:
        return AgentResult.model_validate_json(message).usage
    except ValueError:
        return Usage()


def has_draft(record: AgentResult) -> bool:
    """Whether the pod wrote a draft."""
    return record.code == ExitCode.OK and record.draft is not None


def _with_agents(status: EnvBuildStatus, agents: Agents, **fields: object) -> EnvBuildStatus:
    return status.model_copy(update={"agents": agents.model_copy(update=fields)})
