"""A batch in simulated time: pods are durations, places are given by the operator's own PodLimiter."""

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

from shape import Row, Step

from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.place_requests import PlaceRequest
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.role_places import PodPlacement

Policy = Literal["finish-first", "first-come"]
START = datetime(2026, 1, 1, tzinfo=UTC)
NAMESPACE = "batch"


@dataclass
class Progress:
    """How far a row has come."""

    row: Row
    step: int = 0
    started: int = 0
    """Pods of the step that have a place."""
    ended: int = 0
    arrival: int = -1
    """With first-come, the arrival of the request that waits."""

    @property
    def current(self) -> Step:
        """The step."""
        return self.row.steps[self.step]

    @property
    def has_image(self) -> bool:
        """Whether the search has ended: only the matrix is left, or nothing."""
        return self.step >= len(self.row.steps) - 1

    @property
    def pod(self) -> str:
        """Name of the next pod."""
        return f"{NAMESPACE}/{self.row.name}-{self.step}-{self.started}"


@dataclass
class Simulation:
    """One run."""

    rows: Sequence[Row]
    limits: PlaceLimits
    policy: Policy
    seconds: float = 0
    finished: dict[str, float] = field(default_factory=dict)
    """By row: when it ended."""

    def run(self) -> dict[str, float]:
        """Run all rows to their end."""
        self._limiter = PodLimiter(self.limits, self._enqueue, self._now)
        self._progress = {row.name: Progress(row) for row in self.rows}
        self._ready = deque(self._progress)
        self._arrivals, self._order = count(), count()
        self._ends: list[tuple[float, int, str, Role, str]] = []
        self._reconcile_ready()
        while self._ends:
            self.seconds, _, name, role, pod = heapq.heappop(self._ends)
            self._limiter.release(role, pod)
            self._pod_ended(self._progress[name])
            self._ready.append(name)
            self._reconcile_ready()
        return self.finished

    def _now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def _enqueue(self, key: Key) -> None:
        if key.name not in self._ready:
            self._ready.append(key.name)

    def _reconcile_ready(self) -> None:
        while self._ready:
            progress = self._progress[self._ready.popleft()]
            self._start_pods(progress)
            if progress.row.name not in self._ready:
                self._limiter.settle(_key(progress.row))

    def _start_pods(self, progress: Progress) -> None:
        while progress.row.name not in self.finished and not self._awaits_leader(progress):
            step = progress.current
            if progress.started == len(step.pods):
                return
            request = self._request(progress)
            if not self._limiter.acquire(request):
                return
            self._limiter.observe(step.role, request.pod, PodPlacement.PLACED, self._now())
            end = self.seconds + step.pods[progress.started]
            heapq.heappush(self._ends, (end, next(self._order), progress.row.name, step.role, request.pod))
            progress.started, progress.arrival = progress.started + 1, -1

    def _request(self, progress: Progress) -> PlaceRequest:
        row, step = progress.row, progress.current
        if progress.arrival < 0:
            progress.arrival = next(self._arrivals)
        steps = step.steps_to_verdict if self.policy == "finish-first" else progress.arrival
        return PlaceRequest(steps, START, row.name, progress.pod, _key(row), step.role)

    def _awaits_leader(self, progress: Progress) -> bool:
        leader = self._progress.get(progress.row.waits_for)
        return progress.step == 1 and leader is not None and not leader.has_image

    def _pod_ended(self, progress: Progress) -> None:
        progress.ended += 1
        if progress.ended < len(progress.current.pods):
            return
        progress.step, progress.started, progress.ended = progress.step + 1, 0, 0
        if progress.has_image:
            self._ready.extend(row.name for row in self.rows if row.waits_for == progress.row.name)
        if progress.step == len(progress.row.steps):
            self.finished[progress.row.name] = self.seconds


def _key(row: Row) -> Key:
    return Key("TaskInstance", NAMESPACE, row.name)
