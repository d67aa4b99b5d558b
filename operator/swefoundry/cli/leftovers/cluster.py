"""Objects that belong to no TaskInstance or EnvBuild any more. Pure.

Kubernetes itself deletes what has an owner. That leaves ConfigMaps, which are applied before the instance that uses
them, pods that nobody closed, and pods with our finalizer after the operator that would remove it is gone.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from swefoundry.api import labels
from swefoundry.cli.api_objects import KubernetesObject, namespaced_name
from swefoundry.cli.datasets.instance import INSTANCE_LABEL
from swefoundry.kube.resources import CONFIG_MAPS, PODS, Resource
from swefoundry.workloads.evaluation.open_pod import OPEN_COMPONENT
from swefoundry.workloads.pod_snapshot import parse_timestamp

MIN_AGE = timedelta(hours=1)
"""Younger objects are left alone: their instance may be about to be applied, and the operator about to release them."""


@dataclass(frozen=True)
class ClusterObjects:
    """What was listed."""

    owners: tuple[KubernetesObject, ...]
    """TaskInstances and EnvBuilds."""
    config_maps: tuple[KubernetesObject, ...]
    """Those with the label of an instance."""
    pods: tuple[KubernetesObject, ...]
    """Pods of the operator's work, and those of `open`."""


@dataclass(frozen=True)
class LeftoverObject:
    """An object that may be deleted."""

    resource: Resource
    namespace: str
    name: str
    uid: str
    why: str
    held: bool
    """Our finalizer keeps it."""


def leftover_objects(found: ClusterObjects, now: datetime) -> list[LeftoverObject]:
    """Objects that nothing needs, by namespace and name."""
    instances = {namespaced_name(body) for body in found.owners if body["kind"] == "TaskInstance"}
    uids = {body["metadata"]["uid"] for body in found.owners}
    leftovers = [*_config_maps(found.config_maps, instances), *_pods(found.pods, uids)]
    old = (each for created, each in leftovers if now - created >= MIN_AGE)
    return sorted(old, key=lambda each: (each.namespace, each.resource.kind, each.name))


def _config_maps(
    bodies: Iterable[KubernetesObject], instances: set[tuple[str, str]]
) -> Iterator[tuple[datetime, LeftoverObject]]:
    for body in bodies:
        namespace, _ = namespaced_name(body)
        instance = body["metadata"]["labels"][INSTANCE_LABEL]
        if (namespace, instance) not in instances:
            yield _leftover(CONFIG_MAPS, body, f"there is no TaskInstance {instance}")


def _pods(bodies: Iterable[KubernetesObject], uids: set[str]) -> Iterator[tuple[datetime, LeftoverObject]]:
    for body in bodies:
        meta, phase = body["metadata"], (body.get("status") or {}).get("phase")
        if meta["labels"].get(labels.MANAGED_BY) not in (labels.MANAGER, labels.CLI):
            continue
        owners = meta.get("ownerReferences") or []
        if not any(owner["uid"] in uids for owner in owners):
            yield _leftover(PODS, body, "its owner was deleted")
        elif meta["labels"].get(labels.COMPONENT) == OPEN_COMPONENT and phase in ("Succeeded", "Failed"):
            yield _leftover(PODS, body, "nobody closed it, and its time is over")


def _leftover(resource: Resource, body: KubernetesObject, why: str) -> tuple[datetime, LeftoverObject]:
    meta = body["metadata"]
    held = labels.FINALIZER in (meta.get("finalizers") or [])
    found = LeftoverObject(resource, meta["namespace"], meta["name"], meta["uid"], why, held)
    return parse_timestamp(meta["creationTimestamp"]), found
