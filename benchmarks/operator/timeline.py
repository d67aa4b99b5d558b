"""Times at which a watch reports that pods appear and end; the objects' own times have whole seconds only."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from api_client import PODS, TASKS, Cluster

Json = dict[str, Any]


@dataclass
class Life:
    """One pod; times are of this process's monotonic clock."""

    body: Json
    """As first seen."""
    created: float
    ended: float | None = None

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def work(self) -> str:
        return self.label("work")

    def label(self, name: str) -> str:
        return str(self.body["metadata"]["labels"].get(f"swefoundry.dev/{name}", ""))


class Timeline:
    """Watches a namespace's pods and TaskInstances."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.lives: dict[str, Life] = {}
        self.statuses: dict[str, Json] = {}
        self.finished: dict[str, float] = {}
        self._changed = asyncio.Condition()
        self._tasks = [
            asyncio.create_task(self._follow(cluster, PODS.format(namespace), self._pod)),
            asyncio.create_task(self._follow(cluster, TASKS.format(namespace), self._task)),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def until(self, good: Any, seconds: float = 300) -> None:
        """Wait until ``good()``."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: any(task.done() for task in self._tasks) or good())
        for task in self._tasks:
            if task.done():
                task.result()

    def of(self, **labels: str) -> list[Life]:
        """Pods with these labels of ours, in the order of their creation."""
        return sorted(
            (x for x in self.lives.values() if all(x.label(k) == v for k, v in labels.items())),
            key=lambda life: life.created,
        )

    async def _follow(self, cluster: Cluster, path: str, take: Any) -> None:
        try:
            while True:  # a watch may end at any time; a new one begins with all there is
                async for event in cluster.watch(path):
                    if event["type"] == "ERROR":
                        break
                    take(event["type"], event["object"], time.monotonic())
                    async with self._changed:
                        self._changed.notify_all()
        finally:
            async with self._changed:
                self._changed.notify_all()

    def _pod(self, kind: str, body: Json, now: float) -> None:
        life = self.lives.setdefault(body["metadata"]["uid"], Life(body, now))
        if life.ended is None and (kind == "DELETED" or ended(body)):
            life.ended = now

    def _task(self, _: str, body: Json, now: float) -> None:
        name, status = body["metadata"]["name"], body.get("status", {})
        self.statuses[name] = status
        if "finishedAt" in status:
            self.finished.setdefault(name, now)


def ended(pod: Json) -> bool:
    """The container will not run again: the phase says so a second or two later."""
    states = [item.get("state", {}) for item in pod["status"].get("containerStatuses", [])]
    return any("terminated" in state for state in states) or pod["status"].get("phase") in (
        "Succeeded",
        "Failed",
    )


@dataclass(frozen=True)
class Pace:
    """How a set of pods went through a limited number of places."""

    rate: float
    """Pods per second, from the first creation to the last end."""
    refills: tuple[float, ...]
    """Seconds from a pod's end to the creation of the pod that took its place."""


def pace(lives: list[Life], places: int) -> Pace:
    starts = sorted(life.created for life in lives)
    ends = sorted(life.ended for life in lives if life.ended is not None)
    assert len(ends) == len(starts), "not all pods have ended"
    refills = tuple(start - end for start, end in zip(starts[places:], ends, strict=False))
    return Pace(len(starts) / (ends[-1] - starts[0]), refills)
