"""Release of pods whose results are kept or not needed: our finalizer is removed, and they are deleted.

Each finalizer is a request of its own; pods of one owner are deleted together, by their labels.
"""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from swefoundry import errors
from swefoundry.api import labels
from swefoundry.kube.resources import PODS
from swefoundry.kube.workqueue import Key
from swefoundry.structured_log import fields
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.lifecycle import gather_partial, slot_key
from swefoundry.workloads.pod_snapshot import PodSnapshot
from swefoundry.workloads.pod_spec import JsonDict

log = logging.getLogger("swefoundry.release")


async def release_pods(context: ReconcileContext, pods: Iterable[PodSnapshot], namespace: str) -> None:
    """Release pods of one owner, as many as can be at all; raise the first error then."""
    groups: dict[tuple[str, int], list[PodSnapshot]] = defaultdict(list)
    single: list[PodSnapshot] = []
    for pod in pods:
        if pod.owner_uid and not pod.deleting:
            groups[pod.owner_uid, pod.attempt].append(pod)
        else:
            single.append(pod)
    parts = [_release_group(context, group, namespace) for group in groups.values()]
    _, error = await gather_partial([*parts, *(release_pod(context, pod, namespace) for pod in single)])
    if error is not None:
        raise error


async def release_pod(context: ReconcileContext, pod: PodSnapshot, namespace: str) -> None:
    """Remove our finalizer from a pod, and delete it."""
    key = Key(PODS.kind, namespace, pod.name)
    left: JsonDict = {}
    try:
        if not pod.finalizer_removed:
            await context.kube.remove_finalizer(PODS, namespace, pod.name, pod.uid, labels.FINALIZER)
        if pod.node_lost:
            await context.kube.delete(PODS, namespace, pod.name, uid=pod.uid, force=True)
        elif not pod.deleting:
            left = await context.kube.delete(PODS, namespace, pod.name, uid=pod.uid)
    except (errors.NotFound, errors.ApiConflict):
        pass
    if left.get("kind") == PODS.kind and context.cache.get(key) is not None:
        # Its kubelet has yet to remove it. An older version, which the watch still sends, would be deleted again.
        context.cache.put(left)
    else:
        context.cache.drop(key, pod.uid)
    _release_place(context, pod, namespace)


async def _release_group(context: ReconcileContext, pods: Sequence[PodSnapshot], namespace: str) -> None:
    """Release pods of the same owner and attempt, which differ in their work."""
    if len(pods) == 1:
        await release_pod(context, pods[0], namespace)
        return
    _, error = await gather_partial(_remove_finalizer(context, pod, namespace) for pod in pods)
    if error is not None:
        raise error
    try:
        await context.kube.delete_selected(PODS, namespace, _selector(pods))
    except errors.ApiForbidden:
        # A Role of the release before, or an API server that has just started.
        log.warning(
            "the right to deletecollection is missing: pods are deleted one by one", extra=fields(None)
        )
        for pod in pods:
            await release_pod(context, replace(pod, finalizer_removed=True), namespace)
        return
    for pod in pods:
        context.cache.note_deletion(Key(PODS.kind, namespace, pod.name), pod.uid, datetime.now(UTC))
        _release_place(context, pod, namespace)


async def _remove_finalizer(context: ReconcileContext, pod: PodSnapshot, namespace: str) -> None:
    if pod.finalizer_removed:
        return
    try:
        left = await context.kube.remove_finalizer(PODS, namespace, pod.name, pod.uid, labels.FINALIZER)
    except (errors.NotFound, errors.ApiConflict):
        context.cache.drop(Key(PODS.kind, namespace, pod.name), pod.uid)
        return
    if context.cache.get(Key(PODS.kind, namespace, pod.name)) is not None:
        context.cache.put({"kind": PODS.kind, **left})


def _selector(pods: Sequence[PodSnapshot]) -> str:
    """Exactly these pods: the UID of their owner is no other's, and it has one pod of each work and attempt."""
    works = ",".join(sorted(pod.work for pod in pods))
    owner, attempt = pods[0].owner_uid, pods[0].attempt
    return f"{labels.OWNER_UID}={owner},{labels.ATTEMPT}={attempt},{labels.WORK} in ({works})"


def _release_place(context: ReconcileContext, pod: PodSnapshot, namespace: str) -> None:
    if pod.role in set(Role):
        context.pod_limiter.release(Role(pod.role), slot_key(namespace, pod.name))
