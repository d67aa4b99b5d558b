"""What have EnvBuilds used of the models, and what may those use that have agent pods: per namespace, and in all?

Running sums, moved by every change of the cache, so that they are what a count over it would find. A count at each look
would cost a batch of ten thousand ten thousand times as much.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pydantic import ValidationError

from swefoundry.api import labels
from swefoundry.api.types import Budget
from swefoundry.contracts.models import MICRO, Usage
from swefoundry.kube.cache import Body, Cache, key_of, owner_of
from swefoundry.kube.resources import BUILDS, PODS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.pod_spec import Role


@dataclass(frozen=True)
class Account:
    """What was used, and what running agent pods may use besides."""

    used: Usage = field(default_factory=Usage)
    held: Usage = field(default_factory=Usage)

    def plus(self, other: "Account") -> "Account":
        """The sum."""
        return Account(self.used.plus(other.used), self.held.plus(other.held))

    def minus(self, other: "Account") -> "Account":
        """Without ``other``, which is part of it."""
        return Account(self.used.minus(other.used), self.held.minus(other.held))

    def gives_room(self, before: "Account") -> bool:
        """Whether it leaves more of a budget than it did ``before``."""
        now, then = self.used.plus(self.held), before.used.plus(before.held)
        return now.tokens < then.tokens or now.micro_usd < then.micro_usd


NOTHING = Account()


@dataclass(frozen=True)
class Others:
    """The accounts of all EnvBuilds but one, summed up."""

    in_namespace: Account = NOTHING
    """Of those in its namespace."""
    in_all: Account = NOTHING


class Spending:
    """The sums, and the EnvBuilds that wait until there is more room in them."""

    def __init__(self, cache: Cache, wake: Callable[[Key], None]) -> None:
        self._cache = cache
        self._wake = wake
        self._accounts: dict[Key, Account] = {}
        self._namespaces: dict[str, Account] = {}
        self._all = NOTHING
        self._waiting: set[Key] = set()
        cache.listen(self._changed)

    def beside(self, key: Key) -> Others:
        """What all but the EnvBuild of ``key`` have used, and may use."""
        own = self._accounts.get(key, NOTHING)
        return Others(self._namespaces.get(key.namespace, NOTHING).minus(own), self._all.minus(own))

    def wait(self, key: Key) -> None:
        """Note that ``key`` is to be woken when there is more room."""
        self._waiting.add(key)

    def _changed(self, body: Body) -> None:
        """An object came, changed or went."""
        if body["kind"] == BUILDS.kind:
            self._count(key_of(body))
        elif body["kind"] == PODS.kind and _is_agent(body):
            owner = owner_of(body)
            if owner is not None and owner[0].kind == BUILDS.kind:
                self._count(owner[0])

    def _count(self, key: Key) -> None:
        body = self._cache.get(key)
        old = self._accounts.pop(key, NOTHING)
        new = account(body, self._runs(body)) if body is not None else NOTHING
        if new != NOTHING:
            self._accounts[key] = new
        if new == old:
            return
        self._all = self._all.plus(new).minus(old)
        in_namespace = self._namespaces.pop(key.namespace, NOTHING).plus(new).minus(old)
        if in_namespace != NOTHING:
            self._namespaces[key.namespace] = in_namespace
        if new.gives_room(old):
            waiting, self._waiting = self._waiting, set()
            for each in waiting:
                self._wake(each)

    def _runs(self, body: Body) -> bool:
        """Whether an agent pod of the EnvBuild runs; the status may not speak of it yet."""
        running = body.get("status", {}).get("running", ())
        if any(item.get("work", "").startswith("agent-") for item in running):
            return True
        return any(map(_is_agent, self._cache.children(body["metadata"]["uid"], PODS.kind)))


def account(body: Mapping[str, Any], runs: bool) -> Account:
    """The account of an EnvBuild as the API gives it; ``runs``: it has an agent pod."""
    try:
        used = Usage.model_validate(body.get("status", {}).get("usage") or {})
        budget = Budget.model_validate(body["spec"].get("budget") or {}) if runs else None
    except ValidationError:  # its own reconcile refuses it, so no agents will be sent
        return NOTHING
    if budget is None:
        return Account(used)
    tokens = max(0, budget.llm_tokens - used.tokens)
    return Account(used, Usage(input_tokens=tokens, micro_usd=max(0, micro(budget.llm_usd) - used.micro_usd)))


def micro(usd: str | Decimal) -> int:
    """Micro-dollars."""
    return int(Decimal(usd) * MICRO)


def _is_agent(pod: Body) -> bool:
    return bool(pod["metadata"].get("labels", {}).get(labels.ROLE) == Role.AGENT)
