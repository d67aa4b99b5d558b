"""Times at which a watch reports that pods are created and end; timestamps of the API have whole seconds only."""

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from control_plane.api_client import PODS, TASKS, Cluster

Json = dict[str, Any]


@dataclass
class PodTimes:
    """One pod and its times on this process's monotonic clock."""

    body: Json
    """The pod in its first event."""
    created: float
    ended: float | None = None
    node: str = ""

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
        self.pods: dict[str, PodTimes] = {}
        self.statuses: dict[str, Json] = {}
        self.finished: dict[str, float] = {}
        self._changed = asyncio.Condition()
        self._tasks = [
            asyncio.create_task(self._watch(cluster, PODS.format(namespace), self._on_pod)),
            asyncio.create_task(self._watch(cluster, TASKS.format(namespace), self._on_task)),
        ]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def wait_until(self, condition: Any, seconds: float = 300) -> None:
        """Wait until ``condition()`` is true."""
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(lambda: any(task.done() for task in self._tasks) or condition())
        for task in self._tasks:
            if task.done():
                task.result()

    def pods_with(self, **labels: str) -> list[PodTimes]:
        """Pods with these swefoundry.dev labels, by creation time."""
        return sorted(
            (pod for pod in self.pods.values() if all(pod.label(k) == v for k, v in labels.items())),
            key=lambda pod: pod.created,
        )

    async def _watch(self, cluster: Cluster, path: str, handle: Any) -> None:
        try:
            async for event in cluster.watch(path):
                handle(event["type"], event["object"], time.monotonic())
                async with self._changed:
                    self._changed.notify_all()
        finally:
            async with self._changed:
                self._changed.notify_all()

    def _on_pod(self, kind: str, body: Json, now: float) -> None:
        pod = self.pods.setdefault(body["metadata"]["uid"], PodTimes(body, now))
        pod.node = body["spec"].get("nodeName", "")
        if pod.ended is None and (kind == "DELETED" or is_terminated(body)):
            pod.ended = now

    def _on_task(self, _: str, body: Json, now: float) -> None:
        name, status = body["metadata"]["name"], body.get("status", {})
        self.statuses[name] = status
        if "finishedAt" in status:
            self.finished.setdefault(name, now)


def is_terminated(pod: Json) -> bool:
    """Whether the container has terminated; the pod's phase is set a second or two later."""
    states = [item.get("state", {}) for item in pod["status"].get("containerStatuses", [])]
    return any("terminated" in state for state in states) or pod["status"].get("phase") in (
        "Succeeded",
        "Failed",
    )


@dataclass(frozen=True)
class Throughput:
    """Throughput of a set of pods with a limit of active pods."""

    rate: float
    """Pods per second, from the first creation to the last end."""
    refill_seconds: tuple[float, ...]
    """Seconds from a pod's end to the creation of the next pod."""


def throughput(pods: list[PodTimes], max_active: int) -> Throughput:
    starts = sorted(pod.created for pod in pods)
    ends = sorted(pod.ended for pod in pods if pod.ended is not None)
    assert len(ends) == len(starts), "some pods have not ended"
    refill_seconds = tuple(start - end for start, end in zip(starts[max_active:], ends, strict=False))
    return Throughput(len(starts) / (ends[-1] - starts[0]), refill_seconds)
