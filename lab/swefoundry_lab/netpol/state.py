"""The observed state of the cluster, and the verdicts that are in force."""

import asyncio
from collections.abc import Mapping
from typing import Any

from swefoundry_lab.netpol.objects import read_pod, read_policy
from swefoundry_lab.netpol.rules import Cluster, Verdicts

# Ended pods are not needed, and the watch is smaller without them: the end of a pod is a DELETED event.
KINDS: Mapping[str, tuple[str, str]] = {
    "pods": ("/api/v1/pods", "status.phase!=Succeeded,status.phase!=Failed"),
    "namespaces": ("/api/v1/namespaces", ""),
    "policies": ("/apis/networking.k8s.io/v1/networkpolicies", ""),
}


class ClusterState:
    """The observed objects, the addresses that the CNI plugin registered, and events for changes."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.registered: dict[str, str] = {}
        self.changed = asyncio.Event()
        self.applied = asyncio.Condition()
        self.in_force = Verdicts()

    def replace(self, kind: str, items: list[dict[str, Any]]) -> None:
        """Replace all objects of a kind."""
        self.objects[kind] = {item["metadata"]["uid"]: item for item in items}
        self.changed.set()

    def update(self, kind: str, event: dict[str, Any]) -> None:
        """Apply one event of a watch."""
        uid = event["object"]["metadata"]["uid"]
        if event["type"] == "DELETED":
            self.objects[kind].pop(uid, None)
            self.registered.pop(uid, None)
        else:
            self.objects[kind][uid] = event["object"]
        self.changed.set()

    async def register_address(self, uid: str, address: str) -> None:
        """Register a pod's address from the CNI plugin, before it is in the API, and wait until it is in force."""
        self.registered[uid] = address
        self.changed.set()
        async with self.applied:
            await self.applied.wait_for(lambda: address in self.in_force.known)

    async def mark_applied(self, verdicts: Verdicts) -> None:
        """Record the verdicts that are in force, and notify waiting tasks."""
        async with self.applied:
            self.in_force = verdicts
            self.applied.notify_all()

    @property
    def complete(self) -> bool:
        """Whether every kind was listed; before that, pods could seem to have no policies."""
        return set(self.objects) == set(KINDS)

    def cluster(self) -> Cluster:
        """The objects as input of the rules."""
        pods = (read_pod(raw, self.registered.get(uid)) for uid, raw in self.objects["pods"].items())
        namespaces = self.objects["namespaces"].values()
        return Cluster(
            pods=tuple(pod for pod in pods if pod is not None),
            policies=tuple(read_policy(raw) for raw in self.objects["policies"].values()),
            namespaces={n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in namespaces},
        )
