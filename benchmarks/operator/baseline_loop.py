"""Baseline without an operator: a loop that creates, waits for and deletes the same pods."""

import asyncio
import copy
from collections.abc import Callable, Iterable

from api_client import PODS, Cluster, Json
from timeline import Life, Timeline

MINE = "benchmark-bare"


async def run_bare(
    cluster: Cluster,
    timeline: Timeline,
    namespace: str,
    bodies: Iterable[Json],
    places: int,
    enough: Callable[[], bool] = lambda: False,
) -> list[Life]:
    """Run pods with these bodies, ``places`` at a time, until there is no other or ``enough``; returns their lives."""
    waiting = iter(bodies)
    lives: list[Life] = []

    async def place() -> None:
        for body in waiting:
            if enough():
                return
            made = await cluster.ask("POST", PODS.format(namespace), body)
            uid = str(made["metadata"]["uid"])
            await timeline.until(
                lambda uid=uid: uid in timeline.lives and timeline.lives[uid].ended is not None
            )
            lives.append(timeline.lives[uid])
            await cluster.ask("DELETE", f"{PODS.format(namespace)}/{body['metadata']['name']}")

    await asyncio.gather(*(place() for _ in range(places)))
    return lives


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
