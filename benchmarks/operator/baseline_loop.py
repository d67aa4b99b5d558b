"""Baseline without an operator: a loop that creates, waits for and deletes the same pods."""

import asyncio
import copy
from collections.abc import Callable, Iterable

from timeline import PodTimes, Timeline

from control_plane.api_client import PODS, Cluster, Json

OWNER = "benchmark-bare"


async def run_bare(
    cluster: Cluster,
    timeline: Timeline,
    namespace: str,
    bodies: Iterable[Json],
    max_active: int,
    stop: Callable[[], bool] = lambda: False,
) -> list[PodTimes]:
    """Run pods with these bodies, ``max_active`` at a time, until all have run or ``stop`` is true."""
    pending = iter(bodies)
    pods: list[PodTimes] = []

    async def run_pods() -> None:
        for body in pending:
            if stop():
                return
            created = await cluster.request("POST", PODS.format(namespace), body)
            uid = str(created["metadata"]["uid"])
            await timeline.wait_until(
                lambda uid=uid: uid in timeline.pods and timeline.pods[uid].ended is not None
            )
            pods.append(timeline.pods[uid])
            await cluster.request("DELETE", f"{PODS.format(namespace)}/{body['metadata']['name']}")

    await asyncio.gather(*(run_pods() for _ in range(max_active)))
    return pods


def bare(body: Json, name: str) -> Json:
    """The operator's pod without owner, finalizer and the label that the operator's watch selects."""
    meta = body["metadata"]
    labels = {k: v for k, v in meta["labels"].items() if k != "app.kubernetes.io/managed-by"}
    spec = copy.deepcopy(body["spec"])
    spec.pop("nodeName", None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {**labels, "swefoundry.dev/owner": OWNER},
            "annotations": meta["annotations"],
        },
        "spec": spec,
    }
