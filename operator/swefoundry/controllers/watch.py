"""The only place that knows kopf: watches feed the cache and the queue, workers reconcile what the queue gives them.

kopf is used for watches alone. Its change handlers keep state in annotations (two writes per object), its indexes are
quadratic at start-up, and its events are not retried; a level-triggered queue of our own has none of these costs.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain, repeat
from typing import Any

import kopf
from pydantic import ValidationError

from swefoundry import errors, metrics
from swefoundry.api import labels
from swefoundry.api.validation.invalid_status import invalid_status
from swefoundry.controllers.envbuild.leader import notify_waiters
from swefoundry.controllers.envbuild.reconcile import reconcile as reconcile_build
from swefoundry.controllers.taskinstance.reconcile import reconcile as reconcile_task
from swefoundry.kube.cache import key_of, owner_of
from swefoundry.kube.resources import BUILDS, PODS, TASKS, Resource
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.lifecycle import release_pod, slot_key
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_spec import Role

log = logging.getLogger("swefoundry")

RECONCILERS = {TASKS.kind: reconcile_task, BUILDS.kind: reconcile_build}
RESOURCE_BY_KIND = {resource.kind: resource for resource in (TASKS, BUILDS, PODS)}
MANAGED_PODS_SELECTOR = f"{labels.MANAGED_BY}={labels.MANAGER}"
WATCHED: tuple[tuple[Resource, str], ...] = ((TASKS, ""), (BUILDS, ""), (PODS, MANAGED_PODS_SELECTOR))

LAG_INTERVAL_SECONDS = 1.0
"""How often the event loop's lag is measured."""

INITIAL_LIST_RETRY_SECONDS = 2.0
"""Pause between attempts to see everything at start-up."""

MAX_WATCH_BACKOFF_SECONDS = 15.0
"""How long a watch that is refused waits at most before it asks again, so that a namespace may come back."""

MAX_MISSED_RESYNCS = 2
"""Liveness fails when so many resyncs in a row found news and no watch had said a word meanwhile. Silence alone proves
nothing: where nothing happens, a watch is silent for hours.
"""


def utc_now() -> datetime:
    """The time, in the whole seconds that Kubernetes writes."""
    return datetime.now(UTC).replace(microsecond=0)


class Operator:
    """Feeds the world from watches and keeps workers busy."""

    def __init__(self, context: ReconcileContext, clock: Callable[[], datetime] = utc_now) -> None:
        self.context = context
        self._clock = clock
        self.registry = kopf.OperatorRegistry()
        self.last_event_at = time.monotonic()
        self._last_resync_at = self.last_event_at
        self._missed_resyncs = 0
        self._tasks: list[asyncio.Task[None]] = []
        self._register()

    def _register(self) -> None:
        for resource in (TASKS, BUILDS):
            kopf.on.event(labels.GROUP, labels.VERSION, resource.plural, registry=self.registry)(
                self.on_event
            )
        kopf.on.event("v1", "pods", labels={labels.MANAGED_BY: labels.MANAGER}, registry=self.registry)(
            self.on_event
        )
        kopf.on.login(registry=self.registry)(login)
        kopf.on.startup(registry=self.registry)(self.start)
        kopf.on.cleanup(registry=self.registry)(self.stop)
        kopf.on.probe(id="alive", registry=self.registry)(self.healthz)

    async def start(self, settings: kopf.OperatorSettings, **_: Any) -> None:
        """See everything once, then begin to work: decisions on half a view would start what runs already."""
        configure_kopf(settings)
        await self._initial_list()
        self._tasks = [asyncio.create_task(self._run_worker()) for _ in range(self.context.settings.workers)]
        self._tasks += [asyncio.create_task(self._resync_forever()), asyncio.create_task(self._measure_lag())]

    async def stop(self, **_: Any) -> None:
        """Stop working; everything that matters runs in pods and is found again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def on_event(self, event: Any, **_: Any) -> None:
        """One watch event: remember it, and look at whom it concerns."""
        self.last_event_at = time.monotonic()
        body = dict(event["object"])
        metrics.WATCH_EVENTS.labels(body["kind"], event["type"] or "LISTED").inc()
        metrics.WATCH_STAMP.labels(body["kind"]).set(time.time())
        self.observe_object(body, gone=event["type"] == "DELETED")

    def observe_object(self, body: dict[str, Any], gone: bool = False) -> bool:
        """Take one object's state in; say whether it was news."""
        key = key_of(body)
        news = gone or self.context.cache.put(body)
        if gone:
            self.context.cache.drop(key, body["metadata"]["uid"])
            self._enqueue_children(body["metadata"]["uid"], PODS)  # nobody else would let them go
            if key.kind == BUILDS.kind:
                notify_waiters(
                    self.context, body.get("spec", {}).get("repo", "")
                )  # they may have waited for it
        if key.kind == PODS.kind:
            self._track_pod(body if gone else self.context.cache.get(key) or body, gone)
        elif news:
            self.context.queue.add(key)
            self._enqueue_children(body["metadata"]["uid"], BUILDS)  # they mind their task's spec.suspend
        # The echo of our own write is no news about the object itself; its owner has not seen it yet.
        owner = owner_of(body)
        if owner is not None:
            self.context.queue.add(owner[0] if self._cached(*owner) else key)
        return news

    def _cached(self, key: Key, uid: str) -> bool:
        """Whether an owner is in the cache: that one, not a successor of its name."""
        body = self.context.cache.get(key)
        return body is not None and body["metadata"]["uid"] == uid

    def _enqueue_children(self, owner_uid: str, resource: Resource) -> None:
        for body in self.context.cache.children(owner_uid, resource.kind):
            self.context.queue.add(key_of(body))

    def _track_pod(self, body: dict[str, Any], gone: bool) -> None:
        pod = read_snapshot(body)
        if pod.role not in set(Role):
            return
        name = slot_key(body["metadata"]["namespace"], pod.name)
        if gone or pod.ended:
            self.context.pod_limiter.release(Role(pod.role), name)
        else:
            self.context.pod_limiter.restore(Role(pod.role), name)

    async def _initial_list(self) -> None:
        while True:
            if await self.resync():
                self._missed_resyncs = 0  # watches begin after this
                return
            await asyncio.sleep(INITIAL_LIST_RETRY_SECONDS)

    async def resync(self) -> bool:
        """List everything: fills the cache at start-up, and finds what a watch has missed later.

        Tell whether the API answered. A refusal is an answer: a deleted namespace must not keep the others waiting.
        """
        answered, news, began = True, 0, time.monotonic()
        for namespace in self.context.settings.namespaces:
            for resource, selector in WATCHED:
                try:
                    news += await self._resync_one(resource, namespace, selector)
                except errors.SwefoundryError as exc:
                    answered = answered and not isinstance(exc, errors.TransientError)
                    log.warning("cannot list %s in %s: %s", resource.plural, namespace, exc)
        if news or self.last_event_at > self._last_resync_at:
            self._missed_resyncs = (
                self._missed_resyncs + 1 if self.last_event_at <= self._last_resync_at else 0
            )
        self._last_resync_at = began
        return answered

    async def _resync_one(self, resource: Resource, namespace: str, selector: str) -> int:
        known = self.context.cache.bodies(resource.kind)
        before = {key_of(body): body for body in known if body["metadata"]["namespace"] == namespace}
        news = 0
        async for body in self.context.kube.list(resource, namespace, selector):
            before.pop(key_of(body), None)
            news += self.observe_object(body)
        for lost in before.values():
            news += self.observe_object(lost, gone=True)
        return news

    async def _resync_forever(self) -> None:
        while True:
            await asyncio.sleep(self.context.settings.resync_seconds)
            await self.resync()
            for key in [*self.context.cache.keys(TASKS.kind), *self.context.cache.keys(BUILDS.kind)]:
                self.context.queue.add(key)

    async def _run_worker(self) -> None:
        while True:
            key = await self.context.queue.get()
            started = time.perf_counter()
            try:
                result = await self.reconcile_once(key)
            finally:
                self.context.queue.done(key)
                self.context.pod_limiter.wake_waiters()
            metrics.RECONCILES.labels(key.kind, result).inc()
            metrics.RECONCILE_SECONDS.labels(key.kind).observe(time.perf_counter() - started)

    async def reconcile_once(self, key: Key) -> str:
        """One reconcile. The one place that catches everything: a defect must not take the other objects down."""
        try:
            await self._reconcile(key)
        except errors.TransientError as exc:
            pause = self.context.queue.add_rate_limited(key, exc.after)
            log.log(
                log_level_for(exc),
                "%s %s/%s: again in %.1f s: %s",
                key.kind,
                key.namespace,
                key.name,
                pause,
                exc,
            )
            return "retry"
        except errors.PermanentError as exc:
            if isinstance(exc, errors.NotFound) and await self._confirm_deleted(key):
                self.context.queue.forget(key)
                return "gone"
            log.error("%s %s/%s: %s", key.kind, key.namespace, key.name, exc)
            self.context.queue.add_rate_limited(key)
            return "refused"
        except Exception:
            log.exception(
                "%s %s/%s: a defect of swefoundry; it is tried again", key.kind, key.namespace, key.name
            )
            self.context.queue.add_rate_limited(key)
            return "defect"
        self.context.queue.forget(key)
        return "ok"

    async def _confirm_deleted(self, key: Key) -> bool:
        """Whether what was not found is the object itself: then there is nothing to try again."""
        known = self.context.cache.get(key)
        if known is None:
            return True
        try:
            await self.context.kube.get(RESOURCE_BY_KIND[key.kind], key.namespace, key.name)
        except errors.NotFound:
            self.observe_object(known, gone=True)
            return True
        except errors.SwefoundryError:
            pass
        return False

    async def _reconcile(self, key: Key) -> None:
        if key.kind == PODS.kind:
            await self._release_orphan(key)
            return
        try:
            await RECONCILERS[key.kind](key, self.context, self._clock())
        except ValidationError as exc:
            await self._report_invalid(key, exc)

    async def _release_orphan(self, key: Key) -> None:
        body = self.context.cache.get(key)
        owner = owner_of(body) if body is not None else None
        if body is None or (owner is not None and await self._owner_exists(*owner)):
            return
        await release_pod(self.context, read_snapshot(body), key.namespace)

    async def _owner_exists(self, key: Key, uid: str) -> bool:
        """Whether an owner exists. The cache may lag, and a release loses the pod's result: so the API is asked."""
        if self._cached(key, uid):
            return True
        if key.kind not in RECONCILERS:
            return False
        try:
            found = await self.context.kube.get(RESOURCE_BY_KIND[key.kind], key.namespace, key.name)
        except errors.NotFound:
            return False
        self.observe_object({"kind": key.kind, **found})
        return self._cached(key, uid)

    async def _report_invalid(self, key: Key, exc: ValidationError) -> None:
        """An object that the API server let through and the models do not: say so on the object, touch nothing else."""
        body = self.context.cache.get(key)
        if body is None:
            return
        status = invalid_status(body, exc, self._clock())
        if status != body.get("status"):
            await self.context.kube.patch(
                RESOURCE_BY_KIND[key.kind], key.namespace, key.name, {"status": status}, subresource="status"
            )

    async def _measure_lag(self) -> None:
        while True:
            due = time.monotonic() + LAG_INTERVAL_SECONDS
            await asyncio.sleep(LAG_INTERVAL_SECONDS)
            metrics.LOOP_LAG.set(max(0.0, time.monotonic() - due))

    async def healthz(self, **_: Any) -> dict[str, float]:
        """Raise, and so fail the probe, when work does not move."""
        waited = self.context.queue.oldest_age_seconds()
        if waited > self.context.settings.stale_seconds:
            raise errors.SwefoundryError(f"the oldest key has waited {waited:.0f} s for a worker")
        if self._missed_resyncs >= MAX_MISSED_RESYNCS:
            raise errors.SwefoundryError(
                f"{self._missed_resyncs} resyncs in a row found news that no watch had told"
            )
        dead = [task for task in self._tasks if task.done()]
        if dead:
            raise errors.SwefoundryError(f"{len(dead)} of {len(self._tasks)} internal tasks have ended")
        return {"queueSeconds": waited, "watchSeconds": time.monotonic() - self.last_event_at}


async def login(**context: Any) -> kopf.ConnectionInfo | None:
    """A pod's service account, or the kubeconfig's current context: the same as ``cluster.kube`` does for
    our own calls.
    """
    return kopf.login_with_service_account(**context) or kopf.login_with_kubeconfig(**context)


class UnlimitedBackoff:
    """Pauses between attempts that never run out, seconds.

    When they do, kopf ends, and all namespaces are left alone because the API was away for a minute, or because one
    namespace was deleted and its rights with it.
    """

    def __iter__(self) -> Iterator[float]:
        return chain((1, 1, 2, 3, 5, 8), repeat(MAX_WATCH_BACKOFF_SECONDS))


class NullDiffBaseStorage(kopf.DiffBaseStorage):
    """kopf copies every object of every event to see what has changed: nobody asks, so nothing is copied."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        return None

    def store(self, **_: Any) -> None:
        pass


def configure_kopf(settings: kopf.OperatorSettings) -> None:
    """kopf's knobs: chunked lists, server-side selectors, nothing stored on objects, no own limits."""
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = 300
    settings.watching.client_timeout = 310
    settings.watching.label_selectors["v1", "pods"] = MANAGED_PODS_SELECTOR
    settings.queueing.worker_limit = None
    settings.queueing.idle_timeout = 1.0
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = UnlimitedBackoff()
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = NullDiffBaseStorage()
    settings.scanning.disabled = True
    settings.peering.standalone = True


def log_level_for(exc: errors.TransientError) -> int:
    return logging.DEBUG if isinstance(exc, errors.ApiConflict) else logging.WARNING
