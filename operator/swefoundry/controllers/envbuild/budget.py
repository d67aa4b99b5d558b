"""What may the next agent pod of an EnvBuild spend? Pure; what each budget means is in docs/decisions.

::

    left = limit - used by all EnvBuilds that exist           nothing left: the search ends, BudgetSpent
                 - what running agents may still use          less than that: it waits until there is more room
"""

from dataclasses import dataclass, replace
from decimal import Decimal

from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.agent import Allowance
from swefoundry.contracts.budgets import BudgetLimit, allowance_exhausted, tightest_allowance
from swefoundry.contracts.models import Usage
from swefoundry.settings import Settings
from swefoundry.workloads.usage_index import OtherUsage, UsageTotals, to_micro_usd

RAISE_HINT = "raise agents.budgets.{} in the chart's values"


@dataclass(frozen=True)
class BudgetDecision:
    """What a pod gets, or why it gets nothing."""

    allowance: Allowance
    spent: str = ""
    """Why there is nothing left, and never will be."""
    held: str = ""
    """Why it has to wait: running agents may still use what is left."""


def decide_budget(build: EnvBuild, others: OtherUsage, settings: Settings) -> BudgetDecision:
    """What the next agent pod of ``build`` may spend, beside all ``others``."""
    mine = build.status.usage or Usage()
    own = replace(_instance_limit(build), used=mine)
    shared = _shared_limits(build.namespace, others, settings)
    allowance = tightest_allowance(
        [own, *(replace(limit, used=mine.plus(theirs.used)) for limit, theirs in shared)],
        turns_per_role=build.spec.budget.turns_per_role,
    )
    beside = tightest_allowance(
        [
            own,
            *(replace(limit, used=mine.plus(theirs.used).plus(theirs.reserved)) for limit, theirs in shared),
        ]
    )
    if (beside.tokens, beside.micro_usd) != (allowance.tokens, allowance.micro_usd):
        held = "agents that run may still use what is left of a budget for models"
    else:
        held = ""
    return BudgetDecision(allowance, allowance_exhausted(allowance), held)


def _instance_limit(build: EnvBuild) -> BudgetLimit:
    budget = build.spec.budget
    return BudgetLimit(
        name="spec.budget",
        tokens=budget.llm_tokens,
        micro_usd=to_micro_usd(budget.llm_usd),
        tokens_raised_by="raise spec.budget.llmTokens",
        usd_raised_by="raise spec.budget.llmUsd",
    )


def _shared_limits(
    namespace: str, others: OtherUsage, settings: Settings
) -> list[tuple[BudgetLimit, UsageTotals]]:
    of_namespace = _shared_limit(
        "namespace",
        f"the budget of namespace {namespace}",
        settings.namespace_llm_tokens,
        settings.namespace_llm_usd,
    )
    of_operator = _shared_limit(
        "operator", "the operator's budget", settings.operator_llm_tokens, settings.operator_llm_usd
    )
    return [(of_namespace, others.in_namespace), (of_operator, others.overall)]


def _shared_limit(value: str, named: str, tokens: int | None, usd: Decimal | None) -> BudgetLimit:
    return BudgetLimit(
        name=named,
        tokens=tokens,
        micro_usd=None if usd is None else to_micro_usd(usd),
        tokens_raised_by=RAISE_HINT.format(f"{value}.tokens"),
        usd_raised_by=RAISE_HINT.format(f"{value}.usd"),
    )
