"""What ends every reconcile: the one status write, the release of pods that are no longer needed, the next look."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from swefoundry import errors
from swefoundry.api.resource import CustomResource
from swefoundry.api.types import Attempt
from swefoundry.contracts.wire import WireModel
from swefoundry.kube.resources import Resource
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Wait
from swefoundry.workloads.lifecycle import gather_partial, release_pod
from swefoundry.workloads.pod_snapshot import PodSnapshot

R = TypeVar("R")


async def write_status(
    context: ReconcileContext, resource: Resource, item: CustomResource[Any, Any], status: WireModel
) -> None:
    """Write the status if it changed; ``ApiConflict`` when the object changed since it was read."""
    old, new = item.status.to_json_dict(), status.to_json_dict()
    if old == new:
        return
    body = {
        "metadata": {"resourceVersion": item.resource_version, "uid": item.uid},
        "status": merge_patch(old, new),
    }
    made = await context.kube.patch(resource, item.namespace, item.name, body, subresource="status")
    context.cache.put({"kind": resource.kind, **made})
    context.queue.add(Key(resource.kind, item.namespace, item.name))


def merge_patch(old: object, new: object) -> object:
    """``new`` as a merge patch on ``old``: it keeps what it does not name, so what went away is named with null."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    gone = {name: None for name in old if name not in new}
    return {name: merge_patch(old.get(name), value) for name, value in new.items()} | gone


def with_api_error_as_wait(results: Sequence[R], error: errors.SwefoundryError | None) -> list[R | Wait]:
    """What the status speaks of: a refusal (a quota, missing rights) shows as a wait that only a person can end."""
    if not isinstance(error, errors.PermanentError):
        return list(results)
    return [*results, Wait("refused", type(error).__name__, str(error)[:1000])]


async def release_finished_pods(
    context: ReconcileContext,
    item: CustomResource[Any, Any],
    running: Sequence[Attempt],
    pods: Iterable[PodSnapshot],
) -> None:
    """Release every pod that the written status no longer speaks of."""
    current = {attempt.work: attempt.number for attempt in running}
    over = [pod for pod in pods if pod.work not in current or pod.attempt < current[pod.work]]
    _, error = await gather_partial(release_pod(context, pod, item.namespace) for pod in over)
    if error is not None:
        raise error


def schedule_requeue(context: ReconcileContext, key: Key, results: Iterable[object]) -> None:
    """Look again when patience or a pause runs out: no event announces that."""
    waits = [item.requeue_seconds for item in results if isinstance(item, Wait)]
    if waits:
        context.queue.add_after(key, max(1.0, min(waits)))
