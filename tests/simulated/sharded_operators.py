"""Several shards on one simulated API server, each with the events that a watch with its label selector delivers.

The watches of the three kinds are late, each by itself, as a seed decides.
"""

import random
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from simulated.api_server import ApiServer, Json, selects
from simulated.kubelet import Kubelet
from simulated.stepping_operator import SETTINGS, make_context, make_operator
from swefoundry.api.shards import Shard
from swefoundry.controllers.kopf_adapter import Operator
from swefoundry.controllers.watch import watched
from swefoundry.kube.cache import key_of
from swefoundry.kube.resources import RECONCILED
from swefoundry.kube.workqueue import Key
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.pod_limiter import PlaceLimits
from swefoundry.workloads.shard_limits import settings_of_shard

MAX_ROUNDS = 500
"""Rounds after which a run that does not end fails."""
QUIET_ROUNDS = 2
"""Rounds without a change, a minute apart, after which a run is over."""


class ShardOperator:
    """One shard: its operator, and what its watches have shown."""

    def __init__(self, server: ApiServer, registry: RegistryClient, shard: Shard) -> None:
        settings = settings_of_shard(
            SETTINGS.model_copy(update={"shard": shard.index, "shards": shard.count})
        )
        context = make_context(
            server, registry, settings, PlaceLimits.from_settings(settings), lambda: server.now
        )
        self.shard = shard
        self.operator: Operator = make_operator(context, lambda: server.now)
        self.reconciled: set[Key] = set()
        """The objects that it had when it reconciled them."""
        self._server = server
        self._selectors = {resource.kind: selector for resource, selector in watched(shard)}
        self._seen: dict[Key, Json] = {}
        self._read = len(server.changes)
        self._late: dict[str, deque[Json]] = {kind: deque() for kind in RECONCILED}

    async def start(self) -> None:
        """List what there is."""
        self._seen = {key_of(body): body for body in self._server.objects.values() if self._matches(body)}
        await self.operator.informer.resync()

    @property
    def objects(self) -> set[Key]:
        """What is in its cache."""
        return {key for kind in RECONCILED for key in self.operator.context.cache.keys(kind)}

    async def deliver(self, chance: random.Random) -> bool:
        """Deliver some of the changes that its watches show, in order per kind; return whether any are left."""
        while self._read < len(self._server.changes):
            event = self._event(self._server.changes[self._read])
            self._read += 1
            if event is not None:
                self._late[event["object"]["kind"]].append(event)
        for events in self._late.values():
            for _ in range(chance.randint(0, len(events))):
                event = events.popleft()
                # The object of an event from the wire is the handler's own.
                self.operator.informer.apply_event(event | {"object": dict(event["object"])})
        return any(self._late.values())

    async def reconcile_all(self) -> None:
        """Reconcile until nothing is enqueued."""
        context = self.operator.context
        while len(context.queue):
            key = await context.queue.get()
            if context.cache.get(key) is not None:
                self.reconciled.add(key)
            result = await self.operator.worker.reconcile_once(key)
            assert result in ("ok", "retry", "gone"), (key, result)
            self.operator.worker.finish(key)

    def enqueue_everything(self) -> None:
        """What timers and resyncs would enqueue."""
        for key in self.objects:
            if key.kind != "Pod":
                self.operator.context.queue.add(key)

    def _matches(self, body: Json) -> bool:
        selector = self._selectors.get(body["kind"])
        return selector is not None and selects(selector, body["metadata"].get("labels", {}))

    def _event(self, change: Json) -> Json | None:
        """The event of a watch with a selector: an object that no longer matches is shown as deleted, as it was."""
        body = change["object"]
        key, matches = key_of(body), self._matches(body)
        before = self._seen.pop(key, None)
        if change["type"] == "DELETED":
            return change if before is not None or matches else None
        if matches:
            self._seen[key] = body
            return {"type": "ADDED" if before is None else "MODIFIED", "object": body}
        if before is None:
            return None
        version = {"resourceVersion": body["metadata"]["resourceVersion"]}
        return {"type": "DELETED", "object": before | {"metadata": before["metadata"] | version}}


@dataclass
class ShardedOperators:
    """A run of several shards."""

    server: ApiServer
    registry: RegistryClient
    kubelet: Kubelet
    shards: list[ShardOperator] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(0))

    async def start(self, *shards: Shard) -> None:
        """Start these shards beside those that run."""
        for shard in shards:
            self.shards.append(ShardOperator(self.server, self.registry, shard))
            await self.shards[-1].start()

    async def stop(self, shards: Iterable[ShardOperator]) -> None:
        """Stop these shards."""
        for each in list(shards):
            self.shards.remove(each)
            await each.operator.context.kube.close()

    async def run(self, rounds: int = MAX_ROUNDS) -> bool:
        """Run for some rounds, or until nothing changes any more; return whether that came first."""
        quiet = 0
        for _ in range(rounds):
            before = len(self.server.changes)
            for step in self.kubelet.steps():
                step()
            late = [await each.deliver(self.chance) for each in self.shards]
            for each in self.chance.sample(self.shards, len(self.shards)):
                await each.reconcile_all()
            if any(late) or len(self.server.changes) > before:
                quiet = 0
                continue
            quiet += 1
            if quiet > QUIET_ROUNDS:
                return True
            self.server.now += timedelta(seconds=60)
            for each in self.shards:
                each.enqueue_everything()
        return False
