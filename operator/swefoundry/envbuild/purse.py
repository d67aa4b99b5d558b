"""What may the next agent pod of an EnvBuild spend? Pure; what each budget means is in docs/decisions.

::

    left = limit - used by all EnvBuilds that exist           nothing left: the search ends, BudgetSpent
                 - what running agents may still use          less than that: it waits until they have ended
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from swefoundry.api.objects import Build
from swefoundry.api.parts import Budget
from swefoundry.domain.agent_work import Allowance
from swefoundry.domain.budgets import Limit, least, nothing_left
from swefoundry.domain.models import MICRO, Usage
from swefoundry.settings import Settings

RAISE = "raise agents.budgets.{} in the chart's values"


@dataclass(frozen=True)
class Account:
    """What another EnvBuild has used of the models, and what its running agent pod may use besides."""

    namespace: str
    used: Usage
    held: Usage


@dataclass(frozen=True)
class Purse:
    """What a pod gets, or why it gets nothing."""

    allowance: Allowance
    spent: str = ""
    """Why there is nothing left, and never will be."""
    held: str = ""
    """Why it has to wait: running agents may still use what is left."""


def account(body: Mapping[str, Any], runs: bool) -> Account:
    """The account of an EnvBuild as the API gives it; ``runs``: it has an agent pod."""
    used = Usage.model_validate(body.get("status", {}).get("usage") or {})
    budget = Budget.model_validate(body["spec"].get("budget") or {})
    held = Usage()
    if runs:
        tokens = max(0, budget.llm_tokens - used.tokens)
        held = Usage(input_tokens=tokens, micro_usd=max(0, micro(budget.llm_usd) - used.micro_usd))
    return Account(body["metadata"]["namespace"], used, held)


def purse(build: Build, others: Iterable[Account], settings: Settings) -> Purse:
    """What the next agent pod of ``build`` may spend, beside all ``others``."""
    found = list(others)
    limits = _limits(build, found, settings)
    allowance = least(limits, turns_per_role=build.spec.budget.turns_per_role)
    beside = least(_limits(build, found, settings, held=True))
    if (beside.tokens, beside.micro_usd) != (allowance.tokens, allowance.micro_usd):
        held = "agents that run may still use what is left of a budget for models"
    else:
        held = ""
    return Purse(allowance, nothing_left(allowance), held)


def micro(usd: str | Decimal) -> int:
    """Micro-dollars."""
    return int(Decimal(usd) * MICRO)


def bounded(settings: Settings) -> bool:
    """Whether there is a budget that EnvBuilds share."""
    shared = (
        settings.namespace_llm_tokens,
        settings.namespace_llm_usd,
        settings.operator_llm_tokens,
        settings.operator_llm_usd,
    )
    return any(limit is not None for limit in shared)


def _limits(build: Build, others: list[Account], settings: Settings, held: bool = False) -> list[Limit]:
    mine = build.status.usage or Usage()
    budget = build.spec.budget
    own = Limit(
        named="spec.budget",
        tokens=budget.llm_tokens,
        micro_usd=micro(budget.llm_usd),
        tokens_raised_by="raise spec.budget.llmTokens",
        usd_raised_by="raise spec.budget.llmUsd",
        used=mine,
    )
    neighbours = [item for item in others if item.namespace == build.namespace]
    of_namespace = _shared(
        "namespace",
        f"the budget of namespace {build.namespace}",
        settings.namespace_llm_tokens,
        settings.namespace_llm_usd,
    )
    of_operator = _shared(
        "operator", "the operator's budget", settings.operator_llm_tokens, settings.operator_llm_usd
    )
    return [
        own,
        replace(of_namespace, used=_sum(mine, neighbours, held)),
        replace(of_operator, used=_sum(mine, others, held)),
    ]


def _shared(value: str, named: str, tokens: int | None, usd: Decimal | None) -> Limit:
    return Limit(
        named=named,
        tokens=tokens,
        micro_usd=None if usd is None else micro(usd),
        tokens_raised_by=RAISE.format(f"{value}.tokens"),
        usd_raised_by=RAISE.format(f"{value}.usd"),
    )


def _sum(mine: Usage, others: list[Account], held: bool) -> Usage:
    total = mine
    for item in others:
        total = total.plus(item.used)
        if held:
            total = total.plus(item.held)
    return total
