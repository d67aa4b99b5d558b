"""The observed state of the cluster, and the part of it that is in force already."""

import asyncio
from collections.abc import Mapping
from typing import Any

from swefoundry_lab.netpol.objects import read_pod, read_policy
from swefoundry_lab.netpol.rules import Cluster, Verdicts

# Ended pods are of no interest, and leaving them out keeps the watch small: an ended pod arrives as DELETED.
KINDS: Mapping[str, tuple[str, str]] = {
    "pods": ("/api/v1/pods", "status.phase!=Succeeded,status.phase!=Failed"),
    "namespaces": ("/api/v1/namespaces", ""),
    "policies": ("/apis/networking.k8s.io/v1/networkpolicies", ""),
}


class ClusterState:
    """The objects as last seen, the addresses that CNI announced, and flags for who waits for a change."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.registered: dict[str, str] = {}
        self.changed = asyncio.Event()
        self.applied = asyncio.Condition()
        self.in_force = Verdicts()

    def replace(self, kind: str, items: list[dict[str, Any]]) -> None:
        """Take a whole list."""
        self.objects[kind] = {item["metadata"]["uid"]: item for item in items}
        self.changed.set()

    def update(self, kind: str, event: dict[str, Any]) -> None:
        """Take one event of a watch."""
        uid = event["object"]["metadata"]["uid"]
        if event["type"] == "DELETED":
            self.objects[kind].pop(uid, None)
            self.registered.pop(uid, None)
        else:
            self.objects[kind][uid] = event["object"]
        self.changed.set()

    async def register_address(self, uid: str, address: str) -> None:
        """Take a pod's address from CNI, well before the API server has it; return when it is in force."""
        self.registered[uid] = address
        self.changed.set()
        async with self.applied:
            await self.applied.wait_for(lambda: address in self.in_force.known)

    async def mark_applied(self, verdicts: Verdicts) -> None:
        """Note what the firewall does now and wake who waits for it."""
        async with self.applied:
            self.in_force = verdicts
            self.applied.notify_all()

    @property
    def complete(self) -> bool:
        """Before every kind was listed once, a pod could be taken for one without policies."""
        return set(self.objects) == set(KINDS)

    def cluster(self) -> Cluster:
        """The state in the terms of the rules."""
        pods = (read_pod(raw, self.registered.get(uid)) for uid, raw in self.objects["pods"].items())
        namespaces = self.objects["namespaces"].values()
        return Cluster(
            pods=tuple(pod for pod in pods if pod is not None),
            policies=tuple(read_policy(raw) for raw in self.objects["policies"].values()),
            namespaces={n["metadata"]["name"]: n["metadata"].get("labels") or {} for n in namespaces},
        )
