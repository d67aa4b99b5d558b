"""Places of one role: the pods that hold one, the pods without a node, and the requests that wait."""

import re
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import Enum
from heapq import merge

from swefoundry.workloads.place_requests import PlaceRequest
from swefoundry.workloads.pod_snapshot import PodSnapshot

UNSCHEDULABLE_COUNTED = timedelta(seconds=300)
"""How long a pod without a node holds back new pods of its role. Nodes that an autoscaler adds come within three
minutes; a pod that asks for more than any node has must not stop the others for good.
"""

OVERDUE = timedelta(seconds=60)
"""After so long a pod that waits for full nodes holds back new ones of its role. The scheduler looks at a refused
pod again within ten seconds, and at a new one at once, so each new one takes the CPU that the refused one waits for.
"""

_FULL_NODES = re.compile(r"(\d+) No preemption victims found for incoming pod")
"""In the scheduler's message, nodes that the pod would fit on if others ended (its plugin ``DefaultPreemption``,
``SelectVictimsOnNode``).
"""
_OTHER_NODES = re.compile(r"(\d+) Preemption is not helpful for scheduling")
"""In that message, all other nodes: too small, tainted, not selected."""


class PodPlacement(Enum):
    """How far a pod has come to a node."""

    RESERVED = "reserved"
    """The place is given, the pod is not created yet."""
    CREATED = "created"
    """No scheduler has decided yet: it is expected to run."""
    UNSCHEDULABLE = "unschedulable"
    """The scheduler found no node, or a gate holds it back. It holds no place."""
    AWAITS_CAPACITY = "awaits-capacity"
    """The same, and most nodes will do once they have room again: a new pod would take that room."""
    PLACED = "placed"
    """It has a node."""


WITHOUT_NODE = (PodPlacement.UNSCHEDULABLE, PodPlacement.AWAITS_CAPACITY)
"""They hold no place."""


def placement_of(pod: PodSnapshot) -> PodPlacement:
    """How far an observed pod has come."""
    if pod.node is not None:
        return PodPlacement.PLACED
    if pod.unschedulable is None:
        return PodPlacement.UNSCHEDULABLE if pod.gated else PodPlacement.CREATED
    full, others = (_nodes(pattern, pod.unschedulable) for pattern in (_FULL_NODES, _OTHER_NODES))
    # A pod that only a few nodes will do for must not hold back those that run on any.
    return PodPlacement.AWAITS_CAPACITY if full and full >= others else PodPlacement.UNSCHEDULABLE


def _nodes(pattern: re.Pattern[str], message: str) -> int:
    found = pattern.search(message)
    return int(found[1]) if found else 0


class RolePlaces:
    """The places. Waiting requests are sorted per namespace: log n comparisons to add, find or remove one."""

    def __init__(self, limit: int, max_unplaced: int) -> None:
        self.limit = limit
        self._max_unplaced = max_unplaced
        self._pods: dict[str, PodPlacement] = {}
        self._unplaced: dict[str, datetime] = {}
        """Pods without a node that count, with their creation: at most ``max_unplaced``, and those of a restart."""
        self._waiting: dict[str, list[PlaceRequest]] = {}
        self._requests: dict[str, PlaceRequest] = {}
        self.used: Counter[str] = Counter()
        """Places in use by namespace."""

    def set_placement(self, pod: str, placement: PodPlacement, created: datetime) -> None:
        """Record how far a pod has come; ``created`` is used when it is new."""
        known = self._pods.get(pod)
        if known is placement:
            return
        self._count(pod, known, -1)
        self._count(pod, placement, 1)
        self._pods[pod] = placement
        if placement is PodPlacement.PLACED:
            self._unplaced.pop(pod, None)
        elif known is None or known is PodPlacement.PLACED:
            self._unplaced[pod] = created

    def drop(self, pod: str) -> None:
        """Forget a pod."""
        self._count(pod, self._pods.pop(pod, None), -1)
        self._unplaced.pop(pod, None)

    def _count(self, pod: str, placement: PodPlacement | None, change: int) -> None:
        if placement is not None and placement not in WITHOUT_NODE:
            self.used[namespace_of(pod)] += change

    def placement(self, pod: str) -> PodPlacement | None:
        """How far the pod has come; None when it is not known."""
        return self._pods.get(pod)

    def has_room(self, now: datetime) -> bool:
        """Whether one more pod may be created."""
        return self.active < self.limit and not self.awaits_nodes(now)

    def awaits_nodes(self, now: datetime) -> bool:
        """Whether a new pod would compete for the next node: with as many as allowed, or with one that is overdue."""
        for pod, created in list(self._unplaced.items()):
            if self._pods[pod] in WITHOUT_NODE and now - created >= UNSCHEDULABLE_COUNTED:
                del self._unplaced[pod]
        return len(self._unplaced) >= self._max_unplaced or any(
            self._pods[pod] is PodPlacement.AWAITS_CAPACITY and now - created >= OVERDUE
            for pod, created in self._unplaced.items()
        )

    @property
    def active(self) -> int:
        """Number of places in use."""
        return self.used.total()

    def enqueue(self, request: PlaceRequest) -> None:
        """Let the request wait."""
        if request.pod not in self._requests:
            self._requests[request.pod] = request
            insort(self._waiting.setdefault(request.namespace, []), request)

    def dequeue(self, pod: str) -> PlaceRequest | None:
        """The request of a pod, which waits no longer."""
        request = self._requests.pop(pod, None)
        if request is not None:
            queue = self._waiting[request.namespace]
            del queue[bisect_left(queue, request)]
            if not queue:
                del self._waiting[request.namespace]
        return request

    def fronts(self) -> Iterator[PlaceRequest]:
        """The first waiting request of each namespace."""
        return (queue[0] for queue in self._waiting.values())

    def position(self, request: PlaceRequest) -> tuple[int, int]:
        """Position of a request in its namespace, from 1, and the number of those that wait there."""
        queue = self._waiting.get(request.namespace, [])
        return bisect_left(queue, request) + 1, len(queue)

    def waiting_in_order(self) -> Iterator[PlaceRequest]:
        """All waiting requests, without regard to shares of namespaces."""
        return merge(*self._waiting.values())

    @property
    def waiting(self) -> int:
        """Number of waiting requests."""
        return len(self._requests)

    def pods(self, *placements: PodPlacement) -> list[str]:
        """Pods that have come so far, by name."""
        return sorted(pod for pod, placement in self._pods.items() if placement in placements)

    @property
    def unplaced(self) -> int:
        """Number of pods that the scheduler found no node for."""
        return len(self._pods) - self.active


def namespace_of(pod: str) -> str:
    """Namespace of a pod."""
    return pod.partition("/")[0]
