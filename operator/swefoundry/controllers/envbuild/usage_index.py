"""Running totals of model usage by EnvBuilds, and of what agent pods may still use: per namespace and overall.

Every change of the cache updates them, so that they equal a count over it; a count at each reconcile would make a batch
of ten thousand ten thousand times as expensive.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from swefoundry.api import labels
from swefoundry.api.types import Budget
from swefoundry.contracts.models import MICRO, Usage
from swefoundry.kube.cache import Cache, key_of, owner_of
from swefoundry.kube.resources import BUILDS, PODS, ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role, Work, WorkKind


@dataclass(frozen=True)
class UsageTotals:
    """What was used, and what running agent pods may use in addition."""

    used: Usage = field(default_factory=Usage)
    reserved: Usage = field(default_factory=Usage)

    def plus(self, other: "UsageTotals") -> "UsageTotals":
        """The sum."""
        return UsageTotals(self.used.plus(other.used), self.reserved.plus(other.reserved))

    def minus(self, other: "UsageTotals") -> "UsageTotals":
        """Without ``other``, which is part of it."""
        return UsageTotals(self.used.minus(other.used), self.reserved.minus(other.reserved))

    def frees_budget(self, before: "UsageTotals") -> bool:
        """Whether it leaves more of a budget than ``before`` did."""
        now, then = self.used.plus(self.reserved), before.used.plus(before.reserved)
        return now.tokens < then.tokens or now.micro_usd < then.micro_usd


NO_USAGE = UsageTotals()


@dataclass(frozen=True)
class OtherUsage:
    """Totals of all EnvBuilds but one."""

    in_namespace: UsageTotals = NO_USAGE
    """Of those in the same namespace."""
    overall: UsageTotals = NO_USAGE


NO_OTHER_USAGE = OtherUsage()


class UsageIndex:
    """The totals, and the EnvBuilds that wait for a budget."""

    def __init__(self, cache: Cache, wake: Callable[[Key], None]) -> None:
        self._cache = cache
        self._wake = wake
        self._totals: dict[Key, UsageTotals] = {}
        self._namespace_totals: dict[str, UsageTotals] = {}
        self._overall = NO_USAGE
        self._waiting: set[Key] = set()
        cache.subscribe(self._on_change)

    def excluding(self, key: Key) -> OtherUsage:
        """The totals of all EnvBuilds but that of ``key``."""
        own = self._totals.get(key, NO_USAGE)
        return OtherUsage(
            self._namespace_totals.get(key.namespace, NO_USAGE).minus(own), self._overall.minus(own)
        )

    def wait_for_budget(self, key: Key) -> None:
        """Enqueue ``key`` once a budget is freed."""
        self._waiting.add(key)

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it: the sums, and at most ``limit`` of the EnvBuilds that wait for a budget."""
        return {
            "overall": _numbers(self._overall),
            "namespaces": {name: _numbers(sums) for name, sums in sorted(self._namespace_totals.items())},
            "waiting": len(self._waiting),
            "waitingKeys": sorted(map(str, self._waiting))[:limit],
        }

    def _on_change(self, body: ApiObject) -> None:
        """Follow a change of the cache."""
        if body["kind"] == BUILDS.kind:
            self._update(key_of(body))
        elif body["kind"] == PODS.kind and _is_agent_pod(body):
            owner = owner_of(body)
            if owner is not None and owner[0].kind == BUILDS.kind:
                self._update(owner[0])

    def _update(self, key: Key) -> None:
        body = self._cache.get(key)
        old = self._totals.pop(key, NO_USAGE)
        new = usage_totals(body, self._has_agent_pod(body)) if body is not None else NO_USAGE
        if new != NO_USAGE:
            self._totals[key] = new
        if new == old:
            return
        self._overall = self._overall.plus(new).minus(old)
        in_namespace = self._namespace_totals.pop(key.namespace, NO_USAGE).plus(new).minus(old)
        if in_namespace != NO_USAGE:
            self._namespace_totals[key.namespace] = in_namespace
        if new.frees_budget(old):
            waiting, self._waiting = self._waiting, set()
            for each in waiting:
                self._wake(each)

    def _has_agent_pod(self, body: ApiObject) -> bool:
        """Whether an agent pod of the EnvBuild runs; its status may not list it yet."""
        running = body.get("status", {}).get("running", ())
        if any(_is_agent_work(item.get("work", "")) for item in running):
            return True
        return any(map(_is_agent_pod, self._cache.children(body["metadata"]["uid"], PODS.kind)))


def usage_totals(body: Mapping[str, Any], runs: bool) -> UsageTotals:
    """Totals of one EnvBuild as the API sends it; ``runs``: it has an agent pod."""
    try:
        used = Usage.model_validate(body.get("status", {}).get("usage") or {})
        budget = Budget.model_validate(body["spec"].get("budget") or {}) if runs else None
    except ValidationError:  # its own reconcile rejects it and starts no agents
        return NO_USAGE
    if budget is None:
        return UsageTotals(used)
    tokens = max(0, budget.llm_tokens - used.tokens)
    return UsageTotals(
        used, Usage(input_tokens=tokens, micro_usd=max(0, to_micro_usd(budget.llm_usd) - used.micro_usd))
    )


def to_micro_usd(usd: str | Decimal) -> int:
    """Micro-dollars."""
    return int(Decimal(usd) * MICRO)


def _numbers(sums: UsageTotals) -> dict[str, int]:
    return {
        "usedTokens": sums.used.tokens,
        "usedMicroUsd": sums.used.micro_usd,
        "reservedTokens": sums.reserved.tokens,
        "reservedMicroUsd": sums.reserved.micro_usd,
    }


def _is_agent_work(text: str) -> bool:
    try:
        return Work.parse(text).kind is WorkKind.AGENT
    except ValueError:  # its own reconcile reports it
        return False


def _is_agent_pod(pod: ApiObject) -> bool:
    return bool(pod["metadata"].get("labels", {}).get(labels.ROLE) == Role.AGENT)
