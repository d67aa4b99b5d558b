"""Metrics of a status change, counted once the new status is written."""

from swefoundry import metrics
from swefoundry.api import conditions, reasons
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.contracts.models import MICRO, Usage
from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES
from swefoundry.controllers.envbuild.agent_usage import has_judged_claim
from swefoundry.controllers.envbuild.round_transitions import newly_ended_rounds


def count_changes(old: EnvBuildStatus, new: EnvBuildStatus, experiment: str) -> None:
    """Count ended rounds, model usage, and claims that the probes confirmed or refuted."""
    for item, outcome in newly_ended_rounds(old.rounds, new.rounds):
        metrics.ROUNDS.labels(item.strategy, outcome.value, experiment).inc()
        if item.parent is not None:
            result = "accepted" if outcome in ACCEPTED_OUTCOMES else "refused"
            metrics.REUSES.labels(result, experiment).inc()
        if has_judged_claim(item):
            metrics.CLAIMS.labels(
                _label_value(bool(item.claimed)), _label_value(outcome in ACCEPTED_OUTCOMES)
            ).inc()
    if _waits_for_leader(new) and not _waits_for_leader(old):
        metrics.LEADER_WAITS.inc()
    _count_usage(old.usage or Usage(), new.usage or Usage(), experiment)
    if _agent_budget_spent(new) and not _agent_budget_spent(old):
        metrics.BUDGET_REFUSALS.inc()


def _count_usage(old: Usage, new: Usage, experiment: str) -> None:
    metrics.LLM_TURNS.labels(experiment).inc(new.turns - old.turns)
    for direction, tokens in (
        ("input", new.input_tokens - old.input_tokens),
        ("cached", new.cached_tokens - old.cached_tokens),
        ("output", new.output_tokens - old.output_tokens),
    ):
        metrics.LLM_TOKENS.labels(direction, experiment).inc(tokens)
    metrics.LLM_DOLLARS.labels(experiment).inc((new.micro_usd - old.micro_usd) / MICRO)


def _waits_for_leader(status: EnvBuildStatus) -> bool:
    reason, _ = conditions.reason_of(status.conditions, conditions.READY)
    return reason == reasons.WAITING_FOR_SIBLING


def _agent_budget_spent(status: EnvBuildStatus) -> bool:
    return status.agents is not None and status.agents.end_reason == reasons.BUDGET_SPENT


def _label_value(value: bool) -> str:
    return "true" if value else "false"
