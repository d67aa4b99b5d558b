"""The operator in a simulated cluster, one step at a time in an order that a seed decides.

Real: the operator's event handlers, queue, cache, pod limiter, both reconcilers, its HTTP clients, and the registry.
Simulated: the API server (in memory, over real HTTP), the kubelet (no container runs), and time, which advances when
nothing else happens. Watch events arrive late, as in a real cluster, so the cache may be behind the API server.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
from aiohttp import web

from simulated.api_server import ApiServer, no_hook
from simulated.kubelet import Kubelet
from simulated.seeded_registry import RegistryProxy
from swefoundry.controllers.envbuild.reconcile import env_build_controller
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.kopf_adapter import Operator
from swefoundry.controllers.taskinstance.reconcile import task_controller
from swefoundry.controllers.worker import utc_now
from swefoundry.kube.cache import Cache
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.kube.workqueue import WorkQueue
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.context import backoff_limits
from swefoundry.workloads.host_backoff import HostBackoff
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.unwritten_statuses import UnwrittenStatuses

MAX_STEPS = 5000
"""Steps after which a run that does not end fails."""
QUIET_RESYNCS = 2
"""Resyncs without a change, a minute apart, after which a run is over."""

SETTINGS = Settings(namespaces=["here"], retry_seconds=1, max_infra_retries=3)
POD_LIMITS = {Role.INTAKE: 8, Role.BUILD: 4, Role.EVALUATION: 16, Role.AGENT: 8}
PLACE_LIMITS = PlaceLimits(POD_LIMITS)


def make_context(
    server: ApiServer,
    registry: RegistryClient,
    settings: Settings = SETTINGS,
    place_limits: PlaceLimits = PLACE_LIMITS,
    clock: Callable[[], datetime] = utc_now,
) -> EnvBuildContext:
    """A context as the operator's process makes it: with an empty cache and an empty queue."""
    queue = WorkQueue()
    limiter = PodLimiter(place_limits, wake=queue.add, clock=clock)
    return EnvBuildContext(server.client(), registry, Cache(), queue, limiter, settings)


def make_operator(context: EnvBuildContext, clock: Callable[[], datetime]) -> Operator:
    """An operator with both controllers, as the operator's process makes it."""
    return Operator(context, [task_controller(context), env_build_controller(context)], clock)


@dataclass
class Crash:
    """Ends the operator at its n-th request, before or after the request has taken effect."""

    requests_left: int
    after_request: bool
    writes_only: bool = False
    """Count only requests that change objects of the cluster; a crash between two of them matters most."""
    kill_operator: Callable[[], None] = lambda: None

    async def __call__(self, line: str) -> Callable[[], None] | None:
        verb, _, what = line.partition(" ")
        if self.writes_only and (verb == "GET" or what.startswith("/")):
            return None
        self.requests_left -= 1
        if self.requests_left != 0:
            return None
        if self.after_request:
            return self.kill_operator
        self.kill_operator()
        # The request was never sent, so nothing of it reaches the cluster.
        raise web.HTTPServiceUnavailable


@dataclass
class Simulation:
    """One run."""

    server: ApiServer
    proxy: RegistryProxy
    kubelet: Kubelet
    seed: int = 0
    settings: Settings = SETTINGS
    place_limits: PlaceLimits = PLACE_LIMITS
    crashes: list[Crash] = field(default_factory=list)
    """Crashes of the operator, in this order."""
    user_actions: list[tuple[Callable[[], bool], Callable[[], object]]] = field(default_factory=list)
    """Condition and action: each action runs once, as soon as its condition holds."""
    check: Callable[[], None] = lambda: None
    """Called after every step."""
    reconciles: list[tuple[str, str]] = field(default_factory=list)
    """Kind and result of every reconcile."""
    crash_count: int = 0
    registry_requests: Counter[str] = field(default_factory=Counter)
    """Requests to the registry, by method."""

    async def run(self) -> None:
        """Run until nothing changes any more."""
        self._chance = random.Random(self.seed)
        self._rest = list(self.crashes)
        # One for all operators of a run: it keeps only connections, and is the most expensive part to create.
        self._registry = RegistryClient(self.proxy.host if self.crashes else self.proxy.behind, insecure=True)
        self._registry._client.event_hooks = {"request": [self._count_registry_request]}
        await self._start_operator()
        for _ in range(MAX_STEPS):
            if not await self._step():
                break
            self._run_user_actions()
            self.check()
        else:
            raise AssertionError(f"it does not end: {self.reconciles[-20:]}")
        await self._close()
        await self._registry.aclose()

    async def _count_registry_request(self, request: httpx.Request) -> None:
        self.registry_requests[request.method] += 1

    @property
    def context(self) -> EnvBuildContext:
        """Context of the running operator."""
        return self._operator.context

    async def _start_operator(self) -> None:
        context = make_context(
            self.server, self._registry, self.settings, self.place_limits, clock=lambda: self.server.now
        )
        context.hosts = HostBackoff(
            backoff_limits(self.settings), context.queue.add, lambda: self.server.now.timestamp()
        )
        context.unwritten = UnwrittenStatuses(clock=lambda: self.server.now.timestamp())
        self._operator = make_operator(context, clock=lambda: self.server.now)
        self._quiet = 0
        self._delivered = len(self.server.changes)
        if not await self._survives(self._operator.informer.resync()):
            await self._start_operator()

    async def _survives(self, work) -> bool:
        """Do ``work``; False when the operator crashed in it and must be started again."""
        task = asyncio.ensure_future(work)
        fuse = self._rest[0] if self._rest else None
        if fuse is not None:
            fuse.kill_operator = task.cancel
            self.server.request_hook = self.proxy.gate = fuse
        await asyncio.wait({task})
        if not task.cancelled():
            task.result()
            return True
        self.crash_count += 1
        self._rest.pop(0)
        await self._close()
        return False

    async def _close(self) -> None:
        self.server.request_hook = self.proxy.gate = no_hook
        await self.context.kube.close()

    async def _step(self) -> bool:
        actions: list[Callable[[], object]] = list(self.kubelet.steps())
        if self._delivered < len(self.server.changes):
            actions.append(self._deliver_event)
        if len(self.context.queue):
            actions += [self._reconcile_next] * 2
        if not actions:
            return self._advance_time()
        action = self._chance.choice(actions)
        if action == self._reconcile_next:
            await self._reconcile_next()
        elif action == self._deliver_event:
            await self._deliver_event()
        else:
            action()
        return True

    def _run_user_actions(self) -> None:
        for item in [item for item in self.user_actions if item[0]()]:
            self.user_actions.remove(item)
            item[1]()

    async def _deliver_event(self) -> None:
        change = self.server.changes[self._delivered]
        self._delivered += 1
        if change["object"]["kind"] in (TASKS.kind, BUILDS.kind, "Pod"):
            # The object of an event from the wire is the handler's own.
            self._operator.informer.apply_event(change | {"object": dict(change["object"])})

    async def _reconcile_next(self) -> None:
        key = await self.context.queue.get()
        if not await self._survives(self._reconcile(key)):
            await self._start_operator()
            return
        self._operator.worker.finish(key)
        if self.reconciles[-1][1] == "retry":
            self.context.queue.add(key)

    async def _reconcile(self, key) -> None:
        self.reconciles.append((key.kind, await self._operator.worker.reconcile_once(key)))

    def _advance_time(self) -> bool:
        self.server.now += timedelta(seconds=60)
        before, self._before = getattr(self, "_before", -1), len(self.server.changes)
        self._quiet = self._quiet + 1 if before == self._before else 0
        for kind in (TASKS.kind, BUILDS.kind):
            for key in self.context.cache.keys(kind):
                self.context.queue.add(key)
        return self._quiet < QUIET_RESYNCS
