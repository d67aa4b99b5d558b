"""End of every reconcile: the one status write, the release of finished pods, the requeue."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from swefoundry import errors
from swefoundry.api.resource import CustomResource
from swefoundry.api.types import Attempt
from swefoundry.contracts.wire import WireModel
from swefoundry.kube.resources import Resource
from swefoundry.kube.workqueue import Key, Priority
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, Wait
from swefoundry.workloads.pod_release import release_pods
from swefoundry.workloads.pod_snapshot import PodSnapshot
from swefoundry.workloads.unwritten_statuses import is_progress

R = TypeVar("R")


async def write_status(
    context: ReconcileContext,
    resource: Resource,
    item: CustomResource[Any, Any],
    status: WireModel,
    *,
    repeated: bool = False,
    held: bool = False,
) -> bool:
    """Write the status if it changed; ``ApiConflict`` when the object changed since it was observed.

    One that only shows progress is kept in the cache for a moment, so that a second one within it costs nothing;
    ``repeated``: another object shows its phase. ``held``: so is one with results, which their pods hold until it is
    written. Return whether the API server has all results.
    """
    key, version = Key(resource.kind, item.namespace, item.name), item.resource_version
    new = status.to_compact_json_dict()
    old = item.outdated_status
    if old is None:
        written = context.unwritten.written(key, version)
        old = item.status.to_compact_json_dict() if written is None else written
        seconds = (
            None
            if old == new
            else context.unwritten.postpone(key, version, old, new, repeated=repeated, held=held)
        )
        if seconds is None or seconds > 0:
            _keep_unwritten(context, key, item, new, seconds, Priority.NORMAL if held else Priority.LOW)
            return seconds is None or not held
    body = {"metadata": {"resourceVersion": version, "uid": item.uid}, "status": merge_patch(old, new)}
    answer = await context.kube.patch(resource, item.namespace, item.name, body, subresource="status")
    context.unwritten.forget(key)
    context.cache.put({"kind": resource.kind, **answer})
    context.queue.add(key, Priority.LOW if is_progress(old, new) else Priority.NORMAL)
    return True


def _keep_unwritten(
    context: ReconcileContext,
    key: Key,
    item: CustomResource[Any, Any],
    new: dict[str, Any],
    seconds: float | None,
    priority: Priority,
) -> None:
    """Keep the status in the cache; it is written in so many seconds, or, with None, it is what is written."""
    if seconds is None:
        context.unwritten.forget(key)
    else:
        context.queue.add_after(key, seconds, priority)
    context.cache.replace_status(key, item.resource_version, new)


def merge_patch(old: object, new: object) -> object:
    """``new`` as a merge patch on ``old``: removed fields become null, because a patch keeps what it omits."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    removed = {name: None for name in old if name not in new}
    return {name: merge_patch(old.get(name), value) for name, value in new.items()} | removed


def with_api_error_as_wait(results: Sequence[R], error: errors.SwefoundryError | None) -> list[R | Wait]:
    """Append a synthetic ``Wait`` for a permanent API error (quota, missing rights): Ready shows its message."""
    if not isinstance(error, errors.PermanentError):
        return list(results)
    return [*results, Wait("refused", error.reason or type(error).__name__, str(error)[:1000])]


async def release_finished_pods(
    context: ReconcileContext,
    item: CustomResource[Any, Any],
    running: Sequence[Attempt],
    pods: Iterable[PodSnapshot],
) -> None:
    """Remove our finalizer from, and delete, every pod whose attempt is no longer in ``status.running``."""
    current = {attempt.work: attempt.number for attempt in running}
    over = [pod for pod in pods if pod.work not in current or pod.attempt < current[pod.work]]
    await release_pods(context, over, item.namespace)


def has_collected(results: Iterable[object]) -> bool:
    """Whether the result of a pod was collected: then the next step often follows at once, within the same reconcile.

    Its pods need no status write in between. What a pod left stays until its status is written, so that a reconcile
    that is repeated after a crash comes to the same step, and adopts the pods of the next one.
    """
    return any(isinstance(getattr(item, "move", None), CollectResult) for item in results)


def schedule_requeue(context: ReconcileContext, key: Key, results: Iterable[object]) -> None:
    """Requeue for when a grace period or a delay ends: no watch event announces that."""
    waits = [item.requeue_seconds for item in results if isinstance(item, Wait)]
    if waits:
        context.queue.add_after(key, max(1.0, min(waits)))
