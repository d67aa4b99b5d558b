"""How many pods of each role may be active at a time: our own admission, because ten thousand pending pods
are load too.

Slots are held by pod name until the container has ended, so a finished pod that waits for clean-up blocks nobody.
After a restart they are taken again from the pods that exist (``seed``).
"""

from collections import deque
from collections.abc import Callable, Mapping
from itertools import islice

from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role


class PodLimiter:
    """Places per role, and keys that wait for one, first come first served."""

    def __init__(self, limits: Mapping[Role, int], wake: Callable[[Key], None]) -> None:
        self._limits = limits
        self._wake = wake
        self._held: dict[Role, set[str]] = {role: set() for role in Role}
        self._waiting: dict[Role, deque[Key]] = {role: deque() for role in Role}

    def acquire(self, role: Role, pod: str, key: Key) -> bool:
        """Take a place for ``pod``; when there is none, ``key`` is woken once one is free."""
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
        """An active pod that was found, not made: it counts, even over the limit."""
        self._held[role].add(pod)

    def release(self, role: Role, pod: str) -> None:
        """``pod`` has ended; wake whoever waits longest."""
        self._held[role].discard(pod)
        self._wake_for_free_slots(role)

    def wake_waiters(self) -> None:
        """Whoever was woken may want its place no more (deleted, suspended): wake the next ones for it."""
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
        """Places taken."""
        return len(self._held[role])
