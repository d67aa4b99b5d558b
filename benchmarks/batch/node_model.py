"""Nodes with CPU and memory, and a scheduler that works like kube-scheduler's queue, in simulated time.

A pod gets, of the nodes that have its requests free, a preferred one, then the one with the largest share of free CPU
(the scores NodeAffinity and LeastAllocated). The first pod of an image on a node pulls it.

One that no node has room for is tried again when a pod has ended, but not before its backoff is over: 1 s, doubled up
to 10 s. A new pod is tried at once, so it takes the room that an older one in backoff waited for. Pods of a node whose
CPU is used up all slow down alike, whatever they requested.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

FIRST_BACKOFF_SECONDS = 1
MAX_BACKOFF_SECONDS = 10
"""kube-scheduler's podInitialBackoffSeconds and podMaxBackoffSeconds."""
DONE = 1e-9
"""Seconds that are no more than an error of rounding."""


@dataclass(frozen=True)
class PodSize:
    """What a pod requests and what it uses."""

    millicpu: float
    """Requested."""
    mebibytes: float
    """Requested."""
    used_millicpu: float
    """Mean use, where the node has as much."""


@dataclass
class SimulatedPod:
    """One pod."""

    name: str
    size: PodSize
    seconds: float
    """That it still runs, on a node with free CPU."""
    image: str = ""
    """What is pulled, if it is more than the image of our own programs."""
    preferred: frozenset[int] = frozenset()
    """Numbers of the nodes that it prefers."""
    node: "Node | None" = None
    started: float = 0
    tries: int = 0
    retry_at: float = 0
    """End of its backoff."""
    moved: bool = False
    """A pod has ended since it was tried."""


@dataclass
class Node:
    """A node's allocatable resources, and its pods."""

    millicpu: float
    mebibytes: float
    number: int = 0
    pods: list[SimulatedPod] = field(default_factory=list)
    images: set[str] = field(default_factory=set)

    def has_room(self, size: PodSize) -> bool:
        """Whether the requests fit."""
        millicpu = sum(pod.size.millicpu for pod in self.pods) + size.millicpu
        mebibytes = sum(pod.size.mebibytes for pod in self.pods) + size.mebibytes
        return millicpu <= self.millicpu and mebibytes <= self.mebibytes

    @property
    def free_share(self) -> float:
        """Share of the CPU that no pod requests."""
        return 1 - sum(pod.size.millicpu for pod in self.pods) / self.millicpu

    @property
    def speed(self) -> float:
        """Share of the time that its pods run: all of it while the CPU is not used up."""
        used = sum(pod.size.used_millicpu for pod in self.pods)
        return min(1.0, self.millicpu / used) if used else 1.0


@dataclass
class Cluster:
    """The nodes and the pods that wait for one."""

    nodes: list[Node]
    on_scheduled: Callable[[SimulatedPod], None]
    """Called when a pod got a node, and when none was found for it."""
    pull_seconds: float = 0
    seconds: float = 0
    pending: list[SimulatedPod] = field(default_factory=list)

    def create(self, pod: SimulatedPod) -> None:
        """Add a pod; it is tried at once."""
        self.pending.append(pod)
        self._try(pod)

    def advance(self) -> list[SimulatedPod]:
        """Go on to the next end of a pod or of a backoff, and return the pods that ended."""
        step = min((self._next_end(), self._next_retry()))
        if step == inf:
            raise RuntimeError("pods wait for a node and nothing runs")
        for node in self.nodes:
            speed = node.speed
            for pod in node.pods:
                pod.seconds -= step * speed
        self.seconds += step
        ended = [pod for node in self.nodes for pod in node.pods if pod.seconds <= DONE]
        for pod in ended:
            assert pod.node is not None
            pod.node.pods.remove(pod)
        if ended:
            for pod in self.pending:
                pod.moved = True
        self._try_all(pod for pod in self.pending if pod.moved and pod.retry_at <= self.seconds + DONE)
        return ended

    @property
    def busy(self) -> bool:
        """Whether anything runs or waits."""
        return bool(self.pending) or any(node.pods for node in self.nodes)

    def _next_end(self) -> float:
        return min((pod.seconds / node.speed for node in self.nodes for pod in node.pods), default=inf)

    def _next_retry(self) -> float:
        return min((max(0.0, pod.retry_at - self.seconds) for pod in self.pending if pod.moved), default=inf)

    def _try_all(self, pods: Iterable[SimulatedPod]) -> None:
        for pod in sorted(pods, key=lambda pod: pod.retry_at):
            self._try(pod)

    def _place(self, pod: SimulatedPod, node: Node) -> None:
        self.pending.remove(pod)
        node.pods.append(pod)
        pod.node, pod.started = node, self.seconds
        if pod.image and pod.image not in node.images:
            node.images.add(pod.image)
            pod.seconds += self.pull_seconds

    def _try(self, pod: SimulatedPod) -> None:
        fitting = [node for node in self.nodes if node.has_room(pod.size)]
        if fitting:
            self._place(pod, max(fitting, key=lambda node: (node.number in pod.preferred, node.free_share)))
        else:
            backoff = min(FIRST_BACKOFF_SECONDS * 2**pod.tries, MAX_BACKOFF_SECONDS)
            pod.tries, pod.moved, pod.retry_at = pod.tries + 1, False, self.seconds + backoff
        self.on_scheduled(pod)
