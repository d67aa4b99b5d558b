"""Worker: takes keys from the queue, runs the reconciler of their kind, and decides what follows from an error."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from pydantic import ValidationError

from swefoundry import errors, metrics
from swefoundry.api.validation.invalid_status import invalid_status
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.watch import Informer
from swefoundry.kube.cache import owner_of
from swefoundry.kube.resources import PODS, RECONCILED
from swefoundry.kube.workqueue import Key
from swefoundry.structured_log import fields
from swefoundry.workloads.pod_release import release_pod
from swefoundry.workloads.pod_snapshot import read_snapshot

log = logging.getLogger("swefoundry.worker")


def utc_now() -> datetime:
    """The time, in the whole seconds that Kubernetes writes."""
    return datetime.now(UTC).replace(microsecond=0)


class Worker:
    """Reconciles one key at a time; several run at once on one event loop."""

    def __init__(
        self, informer: Informer, controllers: Sequence[Controller], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._informer = informer
        self._controllers = {each.resource.kind: each for each in controllers}
        self._context = informer.context
        self._clock = clock

    async def run(self) -> None:
        """Work until cancelled."""
        queue = self._context.queue
        while True:
            key = await queue.get()
            started = time.perf_counter()
            try:
                result = await self.reconcile_once(key)
            finally:
                self.finish(key)
            seconds = time.perf_counter() - started
            metrics.RECONCILES.labels(key.kind, result).inc()
            metrics.RECONCILE_SECONDS.labels(key.kind).observe(seconds)
            log.debug("reconciled", extra=fields(key, result=result, seconds=round(seconds, 3)))

    def finish(self, key: Key) -> None:
        """End the processing of ``key``: places that were given to it and that it does not need go to others."""
        self._context.queue.done(key)
        if key not in self._context.queue:
            self._context.pod_limiter.settle(key)

    async def reconcile_once(self, key: Key) -> str:
        """Reconcile ``key`` and return the result for the metrics.

        The one place that catches everything: a defect must not stop the work on other objects.
        """
        queue = self._context.queue
        try:
            await self._reconcile(key)
        except errors.TransientError as exc:
            delay = queue.add_rate_limited(key, exc.after)
            log.log(_log_level_for(exc), "reconcile failed", extra=_error_fields(key, exc, delay))
            return "retry"
        except errors.PermanentError as exc:
            if isinstance(exc, errors.NotFound) and await self._confirm_deleted(key):
                queue.forget(key)
                return "gone"
            log.error("reconcile refused", extra=_error_fields(key, exc, queue.add_rate_limited(key)))
            return "refused"
        except Exception as exc:
            delay = queue.add_rate_limited(key)
            log.exception("defect in a reconcile", extra=_error_fields(key, exc, delay))
            return "defect"
        queue.forget(key)
        return "ok"

    async def _reconcile(self, key: Key) -> None:
        await self._informer.bucket_assignment.assign(key)
        if key.kind == PODS.kind:
            await self._release_orphan(key)
            return
        try:
            await self._controllers[key.kind].reconcile(key, self._clock())
        except ValidationError as exc:
            await self._report_invalid(key, exc)

    async def _confirm_deleted(self, key: Key) -> bool:
        """Whether what was not found is the object itself: then there is nothing to retry."""
        cached = self._context.cache.get(key)
        if cached is None:
            return True
        try:
            await self._context.kube.get(RECONCILED[key.kind], key.namespace, key.name)
        except errors.NotFound:
            self._informer.observe_object(cached, deleted=True)
            return True
        except errors.SwefoundryError:
            pass
        return False

    async def _release_orphan(self, key: Key) -> None:
        body = self._context.cache.get(key)
        owner = owner_of(body) if body is not None else None
        if body is None or (owner is not None and await self._owner_exists(*owner)):
            return
        log.info("orphaned pod released", extra=fields(key))
        await release_pod(self._context, read_snapshot(body), key.namespace)

    async def _owner_exists(self, key: Key, uid: str) -> bool:
        """Ask the API where the cache has no owner: it may lag, and releasing a pod loses its result."""
        if self._informer.cached(key, uid):
            return True
        if key.kind not in self._controllers:
            return False
        try:
            body = await self._context.kube.get(RECONCILED[key.kind], key.namespace, key.name)
        except errors.NotFound:
            return False
        self._informer.observe_object({"kind": key.kind, **body})
        # It is not in the cache now while its bucket is missing.
        return str(body["metadata"]["uid"]) == uid

    async def _report_invalid(self, key: Key, exc: ValidationError) -> None:
        """Write the errors of an object that the API server accepted and the models refuse; touch nothing else."""
        body = self._context.cache.get(key)
        if body is None:
            return
        status = invalid_status(body, exc, self._clock())
        if status == body.get("status"):
            return
        resource = RECONCILED[key.kind]
        await self._context.kube.patch(resource, key.namespace, key.name, {"status": status}, "status")
        log.info("invalid object", extra=fields(key, phase=status["phase"], errors=exc.error_count()))


def _log_level_for(exc: errors.TransientError) -> int:
    # A conflict is the normal way to learn that the object changed meanwhile.
    return logging.DEBUG if isinstance(exc, errors.ApiConflict) else logging.WARNING


def _error_fields(key: Key, exc: Exception, delay: float) -> dict[str, object]:
    return fields(key, errorType=type(exc).__name__, error=str(exc), retryInSeconds=round(delay, 1))
