"""What could the cluster do without an operator? A loop that creates, waits for and deletes the same pods."""

import asyncio
import copy

from apiserver import PODS, Cluster, Json
from timeline import Life, Timeline

MINE = "benchmark-bare"


async def run_bare(
    cluster: Cluster, timeline: Timeline, namespace: str, bodies: list[Json], places: int
) -> list[Life]:
    """Run pods with these bodies, ``places`` at a time; returns their lives."""
    gate = asyncio.Semaphore(places)

    async def one(body: Json) -> str:
        async with gate:
            made = await cluster.ask("POST", PODS.format(namespace), body)
            uid = str(made["metadata"]["uid"])
            await timeline.until(lambda: uid in timeline.lives and timeline.lives[uid].ended is not None)
            await cluster.ask("DELETE", f"{PODS.format(namespace)}/{body['metadata']['name']}")
        return uid

    uids = await asyncio.gather(*(one(body) for body in bodies))
    return [timeline.lives[uid] for uid in uids]


def bare(body: Json, name: str) -> Json:
    """The pod as the operator made it, but nobody's: no owner, no finalizer, no label that the operator selects by."""
    meta = body["metadata"]
    labels = {k: v for k, v in meta["labels"].items() if k != "app.kubernetes.io/managed-by"}
    spec = copy.deepcopy(body["spec"])
    spec.pop("nodeName", None)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "labels": {**labels, "swefoundry.dev/owner": MINE},
            "annotations": meta["annotations"],
        },
        "spec": spec,
    }
