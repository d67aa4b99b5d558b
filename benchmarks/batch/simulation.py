"""A batch in simulated time: places are given by the operator's own PodLimiter, requests by its own estimates."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Literal

from node_model import Cluster, Node, PodSize, SimulatedPod
from shape import Row, Step

from swefoundry.cli.views.time_left import InstanceWork
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.place_requests import PlaceRequest
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.resource_estimates import (
    IDLE_SECONDS,
    PeakUse,
    Requests,
    amount,
    estimate,
    first_guess,
)
from swefoundry.workloads.role_places import PodPlacement
from swefoundry.workloads.usage_history import UsageHistory, UsageSample

START = datetime(2026, 1, 1, tzinfo=UTC)
NAMESPACE = "batch"
MEBIBYTE = 1 << 20
SETTINGS = Settings()
MOST = {
    Role.INTAKE: Requests("100m", SETTINGS.intake_memory),
    Role.BUILD: Requests(SETTINGS.build_cpu, SETTINGS.build_memory),
    Role.EVALUATION: Requests("1", "2Gi"),
}
"""Static requests: those of f3b3550, and the most that is estimated."""


@dataclass(frozen=True)
class Policy:
    """How places are given and what pods request."""

    order: Literal["finish-first", "first-come"] = "finish-first"
    measured: bool = True
    """Requests follow what pods used."""
    unplaced_hold: bool = False
    """A pod without a node holds a place."""
    prefer_image: bool = False
    """Evaluations prefer nodes that ended one of their instance. Not the operator's: it gains too little."""


TODAY = Policy()
F3B3550 = Policy("first-come", measured=False, unplaced_hold=True)


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
    stage_seconds: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    """That pods of intake, environment and matrix ran."""
    samples: list[UsageSample] = field(default_factory=list)
    nodes: set[int] = field(default_factory=set)
    """That ended one of its evaluations."""
    finished: float | None = None

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

    def work(self) -> InstanceWork:
        """What the status of the instance says."""
        if self.finished is None:
            stages, ended = self.current.stage, None
        else:
            stages, ended = self.row.steps[-1].stage + self.row.valid, time_at(self.finished)
        current = self.stage_seconds[2] if stages == 2 else 0
        return InstanceWork(
            self.row.repository, START, START, ended, tuple(self.stage_seconds[:stages]), current
        )


@dataclass(frozen=True)
class PodWork:
    """What a pod was created for."""

    progress: Progress
    role: Role
    stage: int
    seconds: float
    """On a node with free CPU."""


@dataclass
class Simulation:
    """One run."""

    rows: Sequence[Row]
    limits: PlaceLimits
    policy: Policy
    nodes: list[Node]
    pull_seconds: float = 0
    """The first evaluation of a repository on a node pulls its image."""
    on_progress: Callable[["Simulation"], None] = lambda _: None
    """Called whenever pods have ended."""
    worked: float = 0
    """Seconds of pods that have ended."""

    def run(self) -> dict[str, float]:
        """Run all rows; returns when each has ended."""
        self._cluster = Cluster(self.nodes, self._pod_scheduled, self.pull_seconds)
        self._limiter = PodLimiter(self.limits, self._enqueue, lambda: time_at(self.seconds))
        self._history = UsageHistory()
        self._progress = {row.name: Progress(row) for row in self.rows}
        self._ready = deque(self._progress)
        self._arrivals = count()
        self._works: dict[str, PodWork] = {}
        self._reconcile_ready()
        while self._cluster.busy:
            for pod in self._cluster.advance():
                self._pod_ended(pod)
            self._reconcile_ready()
            self.on_progress(self)
        return {name: progress.finished or 0 for name, progress in self._progress.items()}

    @property
    def seconds(self) -> float:
        """Time since the start."""
        return self._cluster.seconds

    def works(self) -> list[InstanceWork]:
        """How far all instances have come."""
        return [progress.work() for progress in self._progress.values()]

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
        while progress.finished is None and not self._awaits_leader(progress):
            step = progress.current
            if progress.started == len(step.pods):
                return
            request = self._request(progress)
            if not self._limiter.acquire(request):
                return
            work = PodWork(progress, step.role, step.stage, step.pods[progress.started] + IDLE_SECONDS)
            progress.started, progress.arrival = progress.started + 1, -1
            self._works[request.pod] = work
            self._cluster.create(self._pod(request.pod, work))

    def _pod(self, name: str, work: PodWork) -> SimulatedPod:
        pod = SimulatedPod(name, self._size(work), work.seconds)
        if work.role is Role.EVALUATION:
            pod.image = work.progress.row.image
            pod.preferred = frozenset(work.progress.nodes if self.policy.prefer_image else ())
        return pod

    def _request(self, progress: Progress) -> PlaceRequest:
        row, step = progress.row, progress.current
        if progress.arrival < 0:
            progress.arrival = next(self._arrivals)
        steps = step.steps_to_verdict if self.policy.order == "finish-first" else progress.arrival
        return PlaceRequest(steps, START, row.name, progress.pod, _key(row), step.role)

    def _awaits_leader(self, progress: Progress) -> bool:
        leader = self._progress.get(progress.row.waits_for)
        return progress.step == 1 and leader is not None and not leader.has_image

    def _size(self, work: PodWork) -> PodSize:
        requests = self._requests(work.progress.row, work.role)
        used = work.progress.row.used[work.role].millicpu
        return PodSize(1000 * amount(requests.cpu), amount(requests.memory) / MEBIBYTE, used)

    def _requests(self, row: Row, role: Role) -> Requests:
        most = MOST[role]
        if not self.policy.measured or role is Role.INTAKE:
            return most
        use = self._history.of_repository(row.repository, role)
        if role is Role.EVALUATION:
            use = self._history.of_image(row.repository, row.image) or use
            return first_guess(most, SETTINGS) if use is None else estimate(use, most, SETTINGS)
        return most if use is None else estimate(use, most, SETTINGS)

    def _pod_scheduled(self, pod: SimulatedPod) -> None:
        placed = pod.node is not None or self.policy.unplaced_hold
        placement = PodPlacement.PLACED if placed else PodPlacement.AWAITS_CAPACITY
        self._limiter.observe(self._works[pod.name].role, pod.name, placement, time_at(self.seconds))

    def _pod_ended(self, pod: SimulatedPod) -> None:
        work = self._works.pop(pod.name)
        progress, held = work.progress, self.seconds - pod.started
        self._limiter.release(work.role, pod.name)
        if pod.node is not None and work.role is Role.EVALUATION:
            progress.nodes.add(pod.node.number)
        self.worked += work.seconds
        progress.stage_seconds[work.stage] += held - IDLE_SECONDS
        self._learn(work, held)
        self._ready.append(progress.row.name)
        progress.ended += 1
        if progress.ended == len(progress.current.pods):
            self._step_ended(progress)

    def _learn(self, work: PodWork, held: float) -> None:
        row, used = work.progress.row, work.progress.row.used[work.role]
        # A pod that shared a busy CPU ran longer, with the same CPU time.
        use = PeakUse(round(used.millicpu * work.seconds / held), round(used.mebibytes * MEBIBYTE))
        image = row.image if work.role is Role.EVALUATION else None
        work.progress.samples.append(UsageSample(work.role, use, image))
        self._history.learn(row.repository, row.name, work.progress.samples)

    def _step_ended(self, progress: Progress) -> None:
        if progress.step == len(progress.row.steps) - 1:
            progress.finished = self.seconds
        else:
            progress.step, progress.started, progress.ended = progress.step + 1, 0, 0
        if progress.has_image:
            self._ready.extend(row.name for row in self.rows if row.waits_for == progress.row.name)


def time_at(seconds: float) -> datetime:
    """The time, so many seconds after the start."""
    return START + timedelta(seconds=seconds)


def _key(row: Row) -> Key:
    return Key("TaskInstance", NAMESPACE, row.name)
