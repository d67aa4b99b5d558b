"""Budgets of an EnvBuild: the costs of its search, and what its next agent pod may use of the models. Pure.

The budget for models is the minimum over the instance's, the namespace's and the operator's limits; docs/decisions has
what each means.

::

    left = limit - used by all EnvBuilds that exist           nothing left: the agents end, BudgetSpent
                 - what running agents may still use          less than that: it waits until there is more room
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.agent import Allowance
from swefoundry.contracts.budgets import (
    BudgetLimit,
    SearchCosts,
    allowance_exhausted,
    costs_refusal,
    tightest_allowance,
)
from swefoundry.contracts.models import Usage
from swefoundry.controllers.envbuild.usage_index import OtherUsage, UsageTotals, to_micro_usd
from swefoundry.settings import Settings

RAISE_HINT = "raise agents.budgets.{} in the chart's values"


MAX_ROUNDS = 50
"""Rounds of all kinds together: the length of the list in the status."""


def spent_search_budget(build: EnvBuild, now: datetime) -> str:
    """Why no further round may begin; empty: it may."""
    status, budget = build.status, build.spec.budget
    elapsed = now - (status.started_at or now)
    # Reused images are no drafts of this search; but a status has room for MAX_ROUNDS rounds and no more.
    built = sum(item.parent is None for item in status.tried_rounds)
    rounds = built if len(status.rounds) < MAX_ROUNDS else max(budget.rounds, built)
    used = SearchCosts(rounds, int(status.pod_seconds), int(elapsed.total_seconds()))
    return costs_refusal(SearchCosts(budget.rounds, budget.pod_seconds, budget.wall_seconds), used)


@dataclass(frozen=True)
class BudgetDecision:
    """The allowance of a pod, or why none is started."""

    allowance: Allowance
    spent: str = ""
    """Why nothing is left, for good."""
    held: str = ""
    """Why it has to wait: running agents may still use the rest."""


def decide_budget(build: EnvBuild, others: OtherUsage, settings: Settings) -> BudgetDecision:
    """The allowance of the next agent pod of ``build``, given the usage of all ``others``."""
    own_usage = build.status.usage or Usage()
    own_limit = replace(_instance_limit(build), used=own_usage)
    shared = _shared_limits(build.namespace, others, settings)
    allowance = tightest_allowance(
        [own_limit, *(replace(limit, used=own_usage.plus(other.used)) for limit, other in shared)],
        turns_per_role=build.spec.budget.turns_per_role,
    )
    with_reserved = tightest_allowance(
        [
            own_limit,
            *(
                replace(limit, used=own_usage.plus(other.used).plus(other.reserved))
                for limit, other in shared
            ),
        ]
    )
    if (with_reserved.tokens, with_reserved.micro_usd) != (allowance.tokens, allowance.micro_usd):
        held = "running agents may use the rest of a model budget"
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
