"""Limit on active pods per role: admission of our own, because ten thousand pending pods are load, too.

A place is held by pod name until the container has ended, so a finished pod that waits for clean-up blocks no other.
After a restart the places are restored from the pods that exist.
"""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role


class PodLimiter:
    """Places per role, and keys that wait for one, in order of arrival."""

    def __init__(self, limits: Mapping[Role, int], wake: Callable[[Key], None]) -> None:
        self._limits = limits
        self._wake = wake
        self._held: dict[Role, set[str]] = {role: set() for role in Role}
        self._waiting: dict[Role, deque[Key]] = {role: deque() for role in Role}

    def acquire(self, role: Role, pod: str, key: Key) -> bool:
        """Take a place for ``pod``; when none is free, enqueue ``key`` once one is."""
        held, waiting = self._held[role], self._waiting[role]
        if pod in held:
            return True
        if len(held) < self._limits[role]:
            held.add(pod)
            if key in waiting:
                waiting.remove(key)
            return True
        if key not in waiting:
            waiting.append(key)
        return False

    def restore(self, role: Role, pod: str) -> None:
        """Count an active pod that exists already, even over the limit."""
        self._held[role].add(pod)

    def release(self, role: Role, pod: str) -> None:
        """Free the place of ``pod``, and wake the key that has waited longest."""
        self._held[role].discard(pod)
        self._wake_for_free_slots(role)

    def wake_waiters(self) -> None:
        """Wake the next keys for free places: those woken before may not need theirs any more (deleted, suspended)."""
        for role in Role:
            self._wake_for_free_slots(role)

    def _wake_for_free_slots(self, role: Role) -> None:
        waiting = self._waiting[role]
        for _ in range(min(len(waiting), self._limits[role] - len(self._held[role]))):
            self._wake(waiting.popleft())

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it, by role: who holds a place, and at most ``limit`` of those who wait."""
        return {
            role.value: {
                "limit": self._limits[role],
                "active": self.active(role),
                "waiting": len(self._waiting[role]),
                "heldBy": sorted(self._held[role]),
                "waitingKeys": [str(key) for key in islice(self._waiting[role], limit)],
            }
            for role in Role
        }

    def active(self, role: Role) -> int:
        """Number of places taken."""
        return len(self._held[role])
