"""Searches of one repository in simulated time: pods are durations, the operator's own PodLimiter gives the places."""

import heapq
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count

from instances import Instance
from policies import Build, Groups, OneLeader, Policy, RecipeAlone, Reuse

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.place_requests import PlaceRequest
from swefoundry.workloads.pod_limiter import PlaceLimits, PodLimiter
from swefoundry.workloads.role_places import PodPlacement

START = datetime(2026, 1, 1, tzinfo=UTC)
POLICIES = ("recipe alone", "one leader", "groups")


@dataclass(frozen=True)
class RunSummary:
    """What a run took."""

    builds: int
    trials: int
    """Images that were tried and refused."""
    seconds: float
    """Until the last verdict."""
    mean: float
    """Until a verdict, mean."""


@dataclass
class PodGroup:
    """Pods of one instance that run at the same time, and what follows."""

    role: Role
    steps_to_verdict: int
    pods: tuple[float, ...]
    then: Callable[[], None]
    started: int = 0
    ended: int = 0


class Simulation:
    """One run."""

    def __init__(self, instances: Sequence[Instance], limits: PlaceLimits, policy: str) -> None:
        self.instances = {item.name: item for item in instances}
        self._limiter = PodLimiter(limits, lambda key: self._enqueue(key.name), self._now)
        self._policy = self._make_policy(policy)
        self._pod_groups: dict[str, PodGroup | None] = {}
        self._drafts = dict.fromkeys(self.instances, 0)
        self._ready: deque[str] = deque()
        self._ends: list[tuple[float, int, str, Role, str]] = []
        self._order, self._pods = count(), count()
        self._seconds = 0.0
        self._finished: dict[str, float] = {}
        self._refused = 0

    def run(self) -> RunSummary:
        """Run all instances to their verdict."""
        for item in self.instances.values():
            self._begin(item, PodGroup(Role.INTAKE, 4, (item.intake,), self._choosing(item)))
        self._reconcile()
        while self._ends:
            self._seconds, _, name, role, pod = heapq.heappop(self._ends)
            self._limiter.release(role, pod)
            self._pod_ended(name)
            self._reconcile()
        assert len(self._finished) == len(self.instances), "an instance waits for ever"
        ends = list(self._finished.values())
        return RunSummary(sum(self._drafts.values()), self._refused, max(ends), sum(ends) / len(ends))

    def _make_policy(self, name: str) -> Policy:
        if name == "recipe alone":
            return RecipeAlone()
        if name == "one leader":
            return OneLeader(self._enqueue, sorted(self.instances))
        return Groups(self._enqueue, self._limiter, list(self.instances.values()))

    def _now(self) -> datetime:
        return START + timedelta(seconds=self._seconds)

    def _enqueue(self, name: str) -> None:
        if name not in self._ready:
            self._ready.append(name)

    def _begin(self, item: Instance, group: PodGroup) -> None:
        self._pod_groups[item.name] = group
        self._enqueue(item.name)

    def _reconcile(self) -> None:
        while self._ready:
            name = self._ready.popleft()
            item, group = self.instances[name], self._pod_groups[name]
            if group is not None:
                self._start_pods(item, group)
            elif name not in self._finished:
                self._choose(item)
            if name not in self._ready:
                self._limiter.settle(_key(name))

    def _start_pods(self, item: Instance, group: PodGroup) -> None:
        while group.started < len(group.pods):
            pod = f"batch/{item.name}-{group.steps_to_verdict}-{self._drafts[item.name]}-{group.started}"
            request = PlaceRequest(group.steps_to_verdict, START, item.name, pod, _key(item.name), group.role)
            if not self._limiter.acquire(request):
                return
            self._limiter.observe(group.role, pod, PodPlacement.PLACED, self._now())
            end = self._seconds + group.pods[group.started]
            heapq.heappush(self._ends, (end, next(self._order), item.name, group.role, pod))
            group.started += 1

    def _pod_ended(self, name: str) -> None:
        group = self._pod_groups[name]
        assert group is not None
        group.ended += 1
        if group.ended == len(group.pods):
            self._pod_groups[name] = None
            group.then()
        self._enqueue(name)

    def _choosing(self, item: Instance) -> Callable[[], None]:
        return lambda: self._enqueue(item.name)

    def _choose(self, item: Instance) -> None:
        match self._policy.next(item):
            case Build():
                self._policy.record(item, None, None)
                seconds = item.builds[self._drafts[item.name]]
                self._drafts[item.name] += 1
                self._begin(item, PodGroup(Role.BUILD, 2, (seconds,), lambda: self._built(item)))
            case Reuse(image):
                self._policy.record(item, image, None)
                self._begin(
                    item, PodGroup(Role.INTAKE, 2, (item.checkout,), lambda: self._composed(item, image))
                )

    def _built(self, item: Instance) -> None:
        if isinstance(self._policy, Groups):
            self._policy.built(item)
        accepted = self._drafts[item.name] == len(item.builds)
        image = _image(item)
        outcome = RoundOutcome.ACCEPTED if accepted else RoundOutcome.NO_RESULT
        self._probe(item, image, outcome)

    def _composed(self, item: Instance, image: str) -> None:
        if isinstance(self._policy, Groups):
            self._policy.built(item)
        other = next(each for each in self.instances.values() if _image(each) == image)
        if other.era != item.era:
            outcome = RoundOutcome.NO_RESULT
        else:
            outcome = RoundOutcome.AFTER_FAILED if item.own_build else RoundOutcome.ACCEPTED
        self._refused += outcome is not RoundOutcome.ACCEPTED
        self._probe(item, image, outcome)

    def _probe(self, item: Instance, image: str, outcome: RoundOutcome) -> None:
        pods = (item.evaluation, item.evaluation)
        self._begin(item, PodGroup(Role.EVALUATION, 1, pods, lambda: self._probed(item, image, outcome)))

    def _probed(self, item: Instance, image: str, outcome: RoundOutcome) -> None:
        self._policy.record(item, image, outcome)
        if outcome is RoundOutcome.ACCEPTED:
            pods = (item.evaluation,) * 3
            self._begin(item, PodGroup(Role.EVALUATION, 0, pods, lambda: self._end(item)))

    def _end(self, item: Instance) -> None:
        self._finished[item.name] = self._seconds


def _image(item: Instance) -> str:
    return f"sha256:{int(item.name.rpartition('-')[2]) + 1:064x}"


def _key(name: str) -> Key:
    return Key("EnvBuild", "batch", name)
