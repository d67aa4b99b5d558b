"""Adapter to kopf, which is used for watches alone.

Its change handlers keep state in annotations (two writes per object), its indexes are quadratic at start-up, and its
events are not retried; a level-triggered queue of our own has none of these costs.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from itertools import chain, repeat
from typing import Any

import kopf

from swefoundry import metrics
from swefoundry.api import labels
from swefoundry.api.shards import Shard
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.full_collections import collect_fully_forever
from swefoundry.controllers.health import check_health, measure_loop_lag
from swefoundry.controllers.watch import Informer, watched
from swefoundry.controllers.worker import Worker, utc_now
from swefoundry.kube.api_client import PAGE_SIZE
from swefoundry.kube.leader_election import LeaderElector
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.structured_log import fields
from swefoundry.workloads.context import ReconcileContext

log = logging.getLogger("swefoundry")

MAX_WATCH_BACKOFF_SECONDS = 15.0
"""Longest pause of a watch that is refused, so that a namespace may come back."""


class Operator:
    """The informer, the workers, and their registration with kopf."""

    def __init__(
        self,
        context: ReconcileContext,
        controllers: Sequence[Controller],
        clock: Callable[[], datetime] = utc_now,
        elector: LeaderElector | None = None,
    ) -> None:
        self.context = context
        self.elector = elector
        self.controllers = controllers
        self.informer = Informer(context, controllers)
        self.worker = Worker(self.informer, controllers, clock)
        self.registry = kopf.OperatorRegistry()
        self._tasks: list[asyncio.Task[None]] = []
        self._register()

    def _register(self) -> None:
        on_event = self.informer.on_event
        for resource in (TASKS, BUILDS):
            kopf.on.event(labels.GROUP, labels.VERSION, resource.plural, registry=self.registry)(on_event)
        managed = {labels.MANAGED_BY: labels.MANAGER}
        kopf.on.event("v1", "pods", labels=managed, registry=self.registry)(on_event)
        kopf.on.login(registry=self.registry)(login)
        kopf.on.startup(registry=self.registry)(self.start)
        kopf.on.cleanup(registry=self.registry)(self.stop)
        kopf.on.probe(id="alive", registry=self.registry)(self.healthz)

    async def start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        """List everything, then start the workers: on half a view they would start pods that run already."""
        configure_kopf(settings, Shard.from_settings(self.context.settings))
        self.context.queue.hold()
        metrics.LEADER.set(0)
        leads = self.elector is None or await self.elector.try_to_hold()
        if self.elector and leads:
            self._spawn(self.elector.renew())
        await self.informer.initial_list()
        self._spawn(self.informer.resync_forever())
        self._spawn(measure_loop_lag())
        self._spawn(collect_fully_forever())
        if leads:
            self._start_workers()
        elif self.elector:
            self._spawn(self._stand_by(self.elector))

    async def stop(self, **_: Any) -> None:
        """Stop working; everything that matters runs in pods and is found again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        log.info("workers stopped")
        if self.elector:
            await self.elector.release()

    async def _stand_by(self, elector: LeaderElector) -> None:
        """Reconcile nothing until elected; the watches keep the cache current meanwhile."""
        await elector.acquire()
        renewal = self._spawn(elector.renew())
        # The watches may not have delivered yet what the leader before wrote last.
        await self.informer.initial_list()
        self._start_workers()
        await renewal

    def _start_workers(self) -> None:
        metrics.LEADER.set(1)
        workers = self.context.settings.workers
        for _ in range(workers):
            self._spawn(self.worker.run())
        self.context.queue.start()
        log.info("workers started", extra=fields(workers=workers))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.append(task)
        return task

    async def healthz(self, **_: Any) -> dict[str, float]:
        """The probe behind /healthz."""
        return check_health(self.informer, self._tasks)


async def login(**context: Any) -> kopf.ConnectionInfo | None:
    """Credentials of a pod's service account, or of the kubeconfig's current context, as ``kube.api_client`` uses."""
    return kopf.login_with_service_account(**context) or kopf.login_with_kubeconfig(**context)


class UnlimitedBackoff:
    """Backoff delays (s) for kopf's watches: 1 to 15, never exhausted.

    With a finite list kopf exits, and leaves all namespaces alone, because the API was away for a minute, or because
    one namespace was deleted and its rights with it.
    """

    def __iter__(self) -> Iterator[float]:
        return chain((1, 1, 2, 3, 5, 8), repeat(MAX_WATCH_BACKOFF_SECONDS))


class NullDiffBaseStorage(kopf.DiffBaseStorage):
    """Store nothing: kopf would copy every object of every event to see what changed, which no handler asks for."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        pass


def configure_kopf(settings: kopf.OperatorSettings, shard: Shard) -> None:
    """Chunked lists, server-side selectors, nothing stored on objects, no limits of its own."""
    settings.watching.chunk_size = PAGE_SIZE
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    for resource, selector in watched(shard):
        group, _, version = resource.base.removeprefix("/api/").removeprefix("/apis/").rpartition("/")
        if selector:
            settings.watching.label_selectors[group, version, resource.plural] = selector
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 1.0
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = UnlimitedBackoff()
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = NullDiffBaseStorage()
    settings.scanning.disabled = True
    settings.peering.standalone = True
