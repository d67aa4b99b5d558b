"""Budgets of model usage: what is left, and whether the next turn fits, computed before it is paid for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from swefoundry.contracts.agent import Allowance
from swefoundry.contracts.models import MICRO, Model, Usage, cost


@dataclass(frozen=True)
class BudgetLimit:
    """A budget for model usage: of one instance, a namespace, or the operator."""

    name: str
    """For people: `spec.budget of the EnvBuild`, `the budget of namespace demo`."""
    tokens: int | None = None
    micro_usd: int | None = None
    tokens_raised_by: str = ""
    """What to change for more: `raise spec.budget.llmTokens`."""
    usd_raised_by: str = ""
    used: Usage = field(default_factory=Usage)
    """What was used of it."""


@dataclass(frozen=True)
class SearchCosts:
    """Rounds and time that an environment search used, or may use at most (None: no limit)."""

    rounds: int | None = None
    pod_seconds: int | None = None
    wall_seconds: int | None = None


def worst_case(model: Model, prompt_tokens: int) -> Usage:
    """Return the most that one turn may use: nothing cached, the longest answer."""
    dearest = max(model.input_usd, model.cached_usd or 0)
    priced = model.model_copy(update={"input_usd": dearest, "cached_usd": None})
    return Usage(
        turns=1,
        input_tokens=prompt_tokens,
        output_tokens=model.output_tokens,
        micro_usd=cost(priced, prompt_tokens, 0, model.output_tokens),
    )


def turn_refusal(allowance: Allowance, used: Usage, role: str, role_turns: int, turn: Usage) -> str:
    """Return why a turn of this size exceeds a budget, and how to raise it; empty when it fits."""
    if allowance.turns_per_role is not None and role_turns >= allowance.turns_per_role:
        return (
            f"the role {role} has used its {role_turns} model turns for this draft; "
            "raise spec.budget.turnsPerRole"
        )
    if allowance.tokens is not None and used.tokens + turn.tokens > allowance.tokens:
        return (
            f"the next model turn may use {turn.tokens} tokens, but {max(0, allowance.tokens - used.tokens)} are left"
            f"{_of_budget(allowance.tokens_named)}"
        )
    if allowance.micro_usd is not None and used.micro_usd + turn.micro_usd > allowance.micro_usd:
        left = max(0, allowance.micro_usd - used.micro_usd)
        return (
            f"the next model turn may cost {dollars(turn.micro_usd)}, but {dollars(left)} is left"
            f"{_of_budget(allowance.usd_named)}"
        )
    return ""


def tightest_allowance(limits: Sequence[BudgetLimit], turns_per_role: int | None = None) -> Allowance:
    """Return what one pod may spend under all limits, with the name of the tightest."""
    tokens = [(max(0, each.tokens - each.used.tokens), each) for each in limits if each.tokens is not None]
    money = [
        (max(0, each.micro_usd - each.used.micro_usd), each) for each in limits if each.micro_usd is not None
    ]
    most_tokens = min(tokens, key=lambda found: found[0], default=None)
    most_money = min(money, key=lambda found: found[0], default=None)
    return Allowance(
        turns_per_role=turns_per_role,
        tokens=most_tokens[0] if most_tokens else None,
        tokens_named=_with_raise_hint(most_tokens[1].name, most_tokens[1].tokens_raised_by)
        if most_tokens
        else "",
        micro_usd=most_money[0] if most_money else None,
        usd_named=_with_raise_hint(most_money[1].name, most_money[1].usd_raised_by) if most_money else "",
    )


def allowance_exhausted(allowance: Allowance) -> str:
    """Return why no agent pod can be paid for; empty when something is left."""
    if allowance.tokens == 0:
        return f"no tokens are left{_of_budget(allowance.tokens_named)}"
    if allowance.micro_usd == 0:
        return f"no money is left{_of_budget(allowance.usd_named)}"
    return ""


def costs_refusal(budget: SearchCosts, used: SearchCosts) -> str:
    """Return why no further round may start; empty when one may."""
    for what, most, so_far, raised in (
        ("rounds", budget.rounds, used.rounds, "rounds"),
        ("pod-seconds", budget.pod_seconds, used.pod_seconds, "podSeconds"),
        ("seconds since the start", budget.wall_seconds, used.wall_seconds, "wallSeconds"),
    ):
        if most is not None and (so_far or 0) >= most:
            return f"{so_far} of {most} {what} are spent; raise spec.budget.{raised}"
    return ""


def dollars(micro_usd: int) -> str:
    """Format micro-dollars for people: four decimals, rounded up."""
    hundredths_of_cents = -(-micro_usd // 100)
    return f"${hundredths_of_cents * 100 / MICRO:.4f}"


def _with_raise_hint(named: str, raised_by: str) -> str:
    return f"{named}; {raised_by}" if raised_by else named


def _of_budget(named: str) -> str:
    return f" of {named}" if named else ""
