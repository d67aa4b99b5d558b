"""Adapter to kopf, which runs the process: start, stop, and the health endpoint.

Its change handlers keep state in annotations (two writes per object), its indexes are quadratic at start-up, its
watches list everything a second time and cost half a millisecond per event; a level-triggered queue and watches of our
own have none of these costs.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import datetime
from typing import Any

import kopf

from swefoundry import metrics
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.full_collections import collect_fully_forever
from swefoundry.controllers.health import check_health, measure_loop_lag
from swefoundry.controllers.reflector import Reflector, pauses
from swefoundry.controllers.watch import Informer
from swefoundry.controllers.worker import Worker, utc_now
from swefoundry.kube.leader_election import LeaderElector
from swefoundry.structured_log import fields
from swefoundry.workloads.context import ReconcileContext

log = logging.getLogger("swefoundry")


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
        kopf.on.login(registry=self.registry)(login)
        kopf.on.startup(registry=self.registry)(self.start)
        kopf.on.cleanup(registry=self.registry)(self.stop)
        kopf.on.probe(id="alive", registry=self.registry)(self.healthz)

    async def start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        """List everything, then start the workers: on half a view they would start pods that run already."""
        configure_kopf(settings)
        self.context.queue.hold()
        metrics.LEADER.set(0)
        leads = self.elector is None or await self.elector.try_to_hold()
        if self.elector and leads:
            self._spawn(self.elector.renew())
        await self.informer.initial_list()
        self._start_watches()
        self._spawn(self.informer.resync_forever())
        self._spawn(measure_loop_lag())
        self._spawn(collect_fully_forever())
        if leads:
            self._start_workers()
        elif self.elector:
            self._spawn(self._stand_by(self.elector))

    def _start_watches(self) -> None:
        for namespace in self.context.settings.namespaces:
            for resource, selector in self.informer.watched:
                self._spawn(Reflector(self.informer, resource, namespace, selector).run())

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
    """Pauses (s) of kopf's requests, without an end.

    It reads once at the start which kinds the API serves. With a finite list it would end the process because the API
    was away for a minute.
    """

    def __iter__(self) -> Iterator[float]:
        return pauses()


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """No Events, no peers, and no watches of kopf's own."""
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = UnlimitedBackoff()
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.peering.standalone = True
