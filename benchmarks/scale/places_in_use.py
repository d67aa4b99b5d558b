"""Places in use over time, and how soon a free one is taken again, from the watch events of pods."""

import asyncio
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any

from timeline import is_terminated

from swefoundry.api import labels

REFILL_LIMIT_SECONDS = 5.0
"""A place that stays free for longer was not asked for."""


@dataclass
class Places:
    """Pods that are created and have not ended, by role."""

    limits: dict[str, int]
    active: Counter[str] = field(default_factory=Counter)
    created: int = 0
    refill_seconds: dict[str, list[float]] = field(default_factory=dict)
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a pod is created."""
    _roles: dict[str, str] = field(default_factory=dict)
    """By UID: the role of a pod that holds a place."""
    _ended: set[str] = field(default_factory=set)
    _free_since: dict[str, deque[float]] = field(default_factory=dict)
    """By role: when places became free while all were in use."""

    def observe(self, pod: dict[str, Any], deleted: bool) -> None:
        """Follow one pod."""
        uid, now = pod["metadata"]["uid"], time.monotonic()
        if uid not in self._roles and uid not in self._ended:
            self._add(uid, pod["metadata"]["labels"][labels.ROLE], now)
        if uid in self._roles and (deleted or is_terminated(pod)):
            self._end(uid, now)
        if deleted:
            self._ended.discard(uid)

    async def wait_for_more(self, created: int) -> float:
        """When more than so many pods were created."""
        while self.created <= created:
            self._more.clear()
            await self._more.wait()
        return time.monotonic()

    def _add(self, uid: str, role: str, now: float) -> None:
        self._roles[uid] = role
        self.active[role] += 1
        self.created += 1
        self._more.set()
        free = self._free_since.setdefault(role, deque())
        if free:
            waited = now - free.popleft()
            if waited <= REFILL_LIMIT_SECONDS:
                self.refill_seconds.setdefault(role, []).append(waited)

    def _end(self, uid: str, now: float) -> None:
        role = self._roles.pop(uid)
        if self.active[role] >= self.limits.get(role, 0):
            self._free_since.setdefault(role, deque()).append(now)
        self.active[role] -= 1
        self._ended.add(uid)
