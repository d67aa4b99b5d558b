"""Limit on active pods: admission of our own, because ten thousand pending pods are load, too.

::

    acquire ──> waiting ──room, and first in order──> reserved, key is enqueued ──acquire──> created
                                                          │ reconciled, pod not needed
                                                          └──> the next request
    created ──node──> placed ──container has ended──> released
       └─ no node for it ──> unschedulable: holds no place, but no further pod is created while too many are, or
                             while one that most nodes would do for has waited for a minute

A place is held by pod name until the container has ended, so a finished pod that waits for clean-up blocks no other.
After a restart the places are restored from the pods that exist, and requests arrive with the first reconciles.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Self

from swefoundry import metrics
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.place_requests import PlaceRequest, QueuePosition, next_request
from swefoundry.workloads.role_places import WITHOUT_NODE, PodPlacement, RolePlaces


@dataclass(frozen=True)
class PlaceLimits:
    """Limits of places, and how namespaces share them."""

    by_role: Mapping[Role, int]
    total: int | None = None
    """Of all roles together."""
    unplaced: int = 4
    """Pods without a node, per role."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """By namespace; others have 1."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The limits that the settings name."""
        by_role = {
            Role.INTAKE: settings.max_active_intake,
            Role.BUILD: settings.max_active_build,
            Role.EVALUATION: settings.max_active_evaluation,
            Role.AGENT: settings.max_active_agent,
        }
        return cls(by_role, settings.max_active_total, settings.max_unplaced, settings.namespace_weights)


class PodLimiter:
    """Places per role, and the requests that wait for one."""

    def __init__(
        self, limits: PlaceLimits, wake: Callable[[Key], None], clock: Callable[[], datetime]
    ) -> None:
        self._limits = limits
        self._wake = wake
        self._clock = clock
        self._roles = {role: RolePlaces(limits.by_role[role], limits.unplaced) for role in Role}
        self._open: dict[Key, dict[str, tuple[Role, datetime]]] = {}
        """Waiting and reserved requests of an object, by pod, with the time of the first request."""
        self._given_at: dict[str, float] = {}
        """When a place became free that was given to a waiting request, by pod, by ``time.perf_counter``."""

    def acquire(self, request: PlaceRequest) -> bool:
        """Take a place; when none is given, the object is enqueued once one is."""
        places, now = self._roles[request.role], self._clock()
        if places.placement(request.pod) is None:
            places.enqueue(request)
            self._open.setdefault(request.key, {}).setdefault(request.pod, (request.role, now))
            self._give_free_places(asking=request)
            if places.placement(request.pod) is None:
                return False
        if places.placement(request.pod) is PodPlacement.RESERVED:
            places.set_placement(request.pod, PodPlacement.CREATED, now)
            _, since = self._close(request.key, request.pod)
            metrics.PLACE_WAIT_SECONDS.labels(request.role.value).observe((now - since).total_seconds())
            self._show(request.role)
        return True

    def note_creation(self, request: PlaceRequest) -> None:
        """Its pod is created now: measure how long the place that it was given was free."""
        given = self._given_at.pop(request.pod, None)
        if given is not None:
            metrics.PLACE_REFILL_SECONDS.labels(request.role.value).observe(time.perf_counter() - given)

    def position(self, request: PlaceRequest) -> QueuePosition:
        """Position of a request that was given no place."""
        places = self._roles[request.role]
        number, waiting = places.position(request)
        return QueuePosition(number, waiting, request.role, places.awaits_nodes(self._clock()))

    def expected_position(self, request: PlaceRequest) -> QueuePosition | None:
        """Position that a request would have if it were made now; None when a place is free for it."""
        if self.free_places(request.role) > 0:
            return None
        position = self.position(request)
        return replace(position, waiting=position.waiting + 1)

    def observe(self, role: Role, pod: str, placement: PodPlacement, created: datetime) -> None:
        """Record a pod that exists, even over the limit."""
        places = self._roles[role]
        request = places.dequeue(pod)
        if request is not None:
            self._close(request.key, pod)
        places.set_placement(pod, placement, created)
        self._give_free_places()
        self._show(role)

    def release(self, role: Role, pod: str) -> None:
        """Free the place of a pod, and give it to the next request."""
        self._roles[role].drop(pod)
        self._given_at.pop(pod, None)
        self._give_free_places()
        self._show(role)

    def settle(self, key: Key) -> None:
        """Pass on places that were given to an object which has been reconciled and has not taken them."""
        for pod, (role, _) in list(self._open.get(key, {}).items()):
            if self._roles[role].placement(pod) is PodPlacement.RESERVED:
                self._close(key, pod)
                self._roles[role].drop(pod)
                self._given_at.pop(pod, None)
        self._give_free_places()

    def forget(self, key: Key) -> None:
        """Drop the requests of an object that is deleted."""
        for pod, (role, _) in list(self._open.get(key, {}).items()):
            self._roles[role].dequeue(pod)
        self.settle(key)
        self._open.pop(key, None)

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it, by role: who holds a place, and at most ``limit`` of those who wait."""
        return {role.value: _role_state(places, limit) for role, places in self._roles.items()}

    def active(self, role: Role) -> int:
        """Number of places in use."""
        return self._roles[role].active

    def free_places(self, role: Role, awaited: int = 0) -> int:
        """Places of a role that are left for new requests; ``awaited``: pods that will be, or were, requested."""
        places = self._roles[role]
        if places.awaits_nodes(self._clock()):
            return 0
        free = places.limit - places.active
        if self._limits.total is not None:
            free = min(free, self._limits.total - sum(each.active for each in self._roles.values()))
        return max(0, free - max(places.waiting, awaited))

    def _give_free_places(self, asking: PlaceRequest | None = None) -> None:
        while (request := self._next_request()) is not None:
            places = self._roles[request.role]
            places.dequeue(request.pod)
            places.set_placement(request.pod, PodPlacement.RESERVED, self._clock())
            if request != asking:
                self._given_at[request.pod] = time.perf_counter()
                self._wake(request.key)

    def _next_request(self) -> PlaceRequest | None:
        total = sum(places.active for places in self._roles.values())
        if self._limits.total is not None and total >= self._limits.total:
            return None
        now = self._clock()
        roles = {
            role: places for role, places in self._roles.items() if places.waiting and places.has_room(now)
        }
        fronts = [request for places in roles.values() for request in places.fronts()]
        used = {(item.role, item.namespace): self._used(item.role, item.namespace) for item in fronts}
        return next_request(fronts, used, self._limits.weights)

    def _used(self, role: Role, namespace: str) -> int:
        """Places in use by a namespace, of those that the limit in question counts."""
        if self._limits.total is None:
            return self._roles[role].used[namespace]
        return sum(places.used[namespace] for places in self._roles.values())

    def _close(self, key: Key, pod: str) -> tuple[Role, datetime]:
        requests = self._open[key]
        closed = requests.pop(pod)
        if not requests:
            del self._open[key]
        return closed

    def _show(self, role: Role) -> None:
        places = self._roles[role]
        for state, number in (
            ("active", places.active),
            ("unplaced", places.unplaced),
            ("waiting", places.waiting),
        ):
            metrics.PLACES.labels(role.value, state).set(number)


def _role_state(places: RolePlaces, limit: int) -> dict[str, object]:
    holding = (PodPlacement.RESERVED, PodPlacement.CREATED, PodPlacement.PLACED)
    return {
        "limit": places.limit,
        "active": places.active,
        "waiting": places.waiting,
        "heldBy": places.pods(*holding),
        "unplaced": places.pods(*WITHOUT_NODE),
        "waitingKeys": [str(request.key) for request in islice(places.waiting_in_order(), limit)],
    }
