"""Informer: keeps the cache current from lists and watch events, and enqueues the keys to reconcile."""

import asyncio
import logging
import time
from collections.abc import Sequence

from swefoundry import errors, metrics
from swefoundry.api import labels
from swefoundry.api.shards import Shard
from swefoundry.controllers.bucket_assignment import BucketAssignment
from swefoundry.controllers.controller import Controller
from swefoundry.kube.cache import key_of, owner_of
from swefoundry.kube.resources import BUILDS, PODS, RECONCILED, TASKS, ApiObject, Resource
from swefoundry.kube.workqueue import Key, Priority
from swefoundry.structured_log import fields
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.lifecycle import slot_key
from swefoundry.workloads.pod_snapshot import PodSnapshot, read_snapshot
from swefoundry.workloads.role_places import placement_of

log = logging.getLogger("swefoundry.watch")

MANAGED_PODS_SELECTOR = f"{labels.MANAGED_BY}={labels.MANAGER}"

INITIAL_LIST_RETRY_SECONDS = 2.0
"""Pause between attempts to list everything at start-up."""

PROGRESS_SECONDS = 1.0
"""Delay of a TaskInstance's reconcile when its EnvBuild made progress, which its status repeats: several steps, such as
a round that begins and its build that waits for a place, are one write.
"""

COLLECT_SECONDS = 3.0
"""Delay of the reconcile that collects a result while other pods of its owner run: pods that run side by side often end
within seconds of each other, and are one status write and one deletion. The last one is collected at once.
"""

RESYNC_PAUSE = 50
"""Least pause between two resyncs, as a multiple of the time that the last one took: with 10,000 instances on a busy
API server they would take a tenth of the time, and find nothing unless a watch has lost an event.
"""

MAX_MISSED_RESYNCS = 2
"""Consecutive resyncs that found changes which no watch had delivered before /healthz fails. An idle watch is not a
failure: where nothing happens, a watch is silent for hours.
"""


def watched(shard: Shard) -> tuple[tuple[Resource, str], ...]:
    """The kinds that a shard watches, with the label selectors of its objects."""
    selectors = {TASKS: shard.selector, BUILDS: shard.selector, PODS: MANAGED_PODS_SELECTOR}
    if shard.selector:
        selectors[PODS] += f",{shard.selector}"
    return tuple(selectors.items())


def resync_pause(seconds: float, took: float) -> float:
    """Seconds until the next resync, after one that ``took`` so many seconds."""
    return max(seconds, RESYNC_PAUSE * took)


class Informer:
    """Feeds the cache and the queue."""

    def __init__(self, context: ReconcileContext, controllers: Sequence[Controller]) -> None:
        self.context = context
        self.bucket_assignment = BucketAssignment(context, self.observe_object)
        self._controllers = {each.resource.kind: each for each in controllers}
        self.watched = watched(Shard.from_settings(context.settings))
        self.versions: dict[tuple[str, str], str] = {}
        """The version of the last list, by namespace and kind, from which a watch goes on."""
        self.last_event_at = time.monotonic()
        self.missed_resyncs = 0
        self._last_resync_at = self.last_event_at

    def apply_event(self, event: ApiObject) -> None:
        """Apply one watch event: its `type`, ADDED, MODIFIED or DELETED, and its `object`."""
        body, kind = event["object"], event["type"]
        self.last_event_at = time.monotonic()
        metrics.WATCH_EVENTS.labels(body["kind"], kind).inc()
        metrics.WATCH_STAMP.labels(body["kind"]).set(time.time())
        changed = self.observe_object(body, deleted=kind == "DELETED")
        log.debug("watch event", extra=fields(key_of(body), type=kind, changed=changed))

    def observe_object(self, body: ApiObject, deleted: bool = False) -> bool:
        """Apply one observed object to the cache and enqueue the keys it affects. Return True if it changed."""
        if not self.bucket_assignment.admits(body, deleted):
            return False
        key = key_of(body)
        known = self.context.cache.get(key)
        changed = deleted or self.context.cache.put(body)
        if deleted:
            self._forget(key, body)
        if key.kind == PODS.kind:
            self._observe_pod(key, known, body if deleted else self.context.cache.get(key) or body, deleted)
            return changed
        if changed:
            self.context.queue.add(key, Priority.LOW if known is None and not deleted else Priority.NORMAL)
            if deleted or known is None or _generation(known) != _generation(body):
                # They follow their task's spec.suspend.
                self._enqueue_children(body["metadata"]["uid"], BUILDS)
        # The echo of our own write changes nothing here, but the owner has not been reconciled with it yet.
        self._enqueue_owner(key, body, ended=deleted or "finishedAt" in body.get("status", {}))
        return changed

    def _observe_pod(self, key: Key, known: ApiObject | None, body: ApiObject, deleted: bool) -> None:
        pod, before = read_snapshot(body), read_snapshot(known) if known is not None else None
        self._track_pod(pod, key.namespace, deleted)
        owner = owner_of(body)
        if owner is None:
            return
        if not self.cached(*owner):
            self.context.queue.add(key)
        elif pod.concerns_owner(before) or (deleted and not (pod.ended and pod.finalizer_removed)):
            if ends(pod, before) and self._runs_others(pod, owner[1]):
                self.context.queue.add_after(owner[0], COLLECT_SECONDS)
            else:
                self.context.queue.add(owner[0])

    def _runs_others(self, pod: PodSnapshot, owner_uid: str) -> bool:
        others = self.context.cache.children(owner_uid, PODS.kind)
        return any(read_snapshot(body).running for body in others if body["metadata"]["name"] != pod.name)

    def _enqueue_owner(self, key: Key, body: ApiObject, ended: bool) -> None:
        owner = owner_of(body)
        if owner is None:
            return
        if not self.cached(*owner):
            self.context.queue.add(key)
        elif ended:
            self.context.queue.add(owner[0])
        else:
            self.context.queue.add_after(owner[0], PROGRESS_SECONDS, Priority.LOW)

    def cached(self, key: Key, uid: str) -> bool:
        """Whether this very object is in the cache, not a successor of the same name."""
        body = self.context.cache.get(key)
        return body is not None and body["metadata"]["uid"] == uid

    async def initial_list(self) -> None:
        """List everything, until the API answers."""
        while True:
            if await self.resync():
                break
            await asyncio.sleep(INITIAL_LIST_RETRY_SECONDS)
        self.missed_resyncs = 0  # the watches begin after this
        log.info("cache synced", extra=fields(None, **_counts(self.context)))

    async def resync(self) -> bool:
        """List everything: fills the cache at start-up, and finds what a watch has missed later.

        Return whether the API answered. A refusal is an answer: a deleted namespace must not keep the others waiting.
        """
        answered, changes, started = True, 0, time.monotonic()
        for namespace in self.context.settings.namespaces:
            for resource, selector in self.watched:
                try:
                    changes += await self.list_all(resource, namespace, selector)
                except errors.SwefoundryError as exc:
                    answered = answered and not isinstance(exc, errors.TransientError)
                    log.warning(
                        "list failed", extra=fields(resource=resource.plural, namespace=namespace, error=exc)
                    )
        if changes or self.last_event_at > self._last_resync_at:
            watch_delivered = self.last_event_at > self._last_resync_at
            self.missed_resyncs = 0 if watch_delivered else self.missed_resyncs + 1
        self._last_resync_at = started
        log.debug("resync ended", extra=fields(changes=changes, seconds=round(time.monotonic() - started, 3)))
        return answered

    async def resync_forever(self) -> None:
        """Resync and enqueue what has not ended every ``resync_seconds``, or later where a resync takes long."""
        took = 0.0
        while True:
            await asyncio.sleep(resync_pause(self.context.settings.resync_seconds, took))
            started = time.monotonic()
            await self.resync()
            self.enqueue_unfinished()
            took = time.monotonic() - started

    def enqueue_unfinished(self) -> None:
        """Look again at what has not ended: a reconcile may have been lost to a defect."""
        for kind in (TASKS.kind, BUILDS.kind):
            for body in list(self.context.cache.bodies(kind)):
                if not self._rests(body):
                    self.context.queue.add(key_of(body), Priority.LOW)

    def _rests(self, body: ApiObject) -> bool:
        """Whether nothing is left to do for an object until it changes: it has ended, and its pods are gone."""
        ended = "finishedAt" in body.get("status", {}) and "deletionTimestamp" not in body["metadata"]
        return ended and not self.context.cache.children(body["metadata"]["uid"], PODS.kind)

    async def list_all(self, resource: Resource, namespace: str, selector: str) -> int:
        """List the objects of one kind, and return how many were new, changed or gone."""
        cached = self.context.cache.bodies(resource.kind)
        missing = {key_of(body): body for body in cached if body["metadata"]["namespace"] == namespace}
        changes, version = 0, ""
        async for page in self.context.kube.pages(resource, namespace, selector):
            version = page["metadata"]["resourceVersion"]
            for body in page["items"]:
                missing.pop(key_of(body), None)
                changes += self.observe_object(body)
        for body in missing.values():
            changes += self.observe_object(body, deleted=True)
        self.versions[namespace, resource.kind] = version
        return changes

    def _forget(self, key: Key, body: ApiObject) -> None:
        uid = body["metadata"]["uid"]
        self.context.cache.drop(key, uid)
        self.context.unwritten.forget(key)
        self._enqueue_children(uid, PODS)  # nothing else would release them
        if key.kind in self._controllers:
            self.context.pod_limiter.forget(key)
            self._controllers[key.kind].on_deleted(body)

    def _enqueue_children(self, owner_uid: str, resource: Resource) -> None:
        for body in self.context.cache.children(owner_uid, resource.kind):
            self.context.queue.add(key_of(body))

    def _track_pod(self, pod: PodSnapshot, namespace: str, deleted: bool) -> None:
        if pod.role not in set(Role):
            return
        key = slot_key(namespace, pod.name)
        if deleted or pod.ended:
            self.context.pod_limiter.release(Role(pod.role), key)
        else:
            self.context.pod_limiter.observe(Role(pod.role), key, placement_of(pod), pod.created)


def ends(pod: PodSnapshot, before: PodSnapshot | None) -> bool:
    """Whether the container has ended since ``before``, and nobody has deleted the pod."""
    return pod.terminated is not None and not pod.deleting and before is not None and not before.ended


def _generation(body: ApiObject) -> int:
    return int(body["metadata"].get("generation", 0))


def _counts(context: ReconcileContext) -> dict[str, int]:
    return {resource.plural: len(context.cache.keys(resource.kind)) for resource in RECONCILED.values()}
