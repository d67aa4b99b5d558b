"""Deduplicating queue of the keys to reconcile, as client-go's workqueue, with two priorities.

What leads to a verdict is not to wait behind ten thousand keys that are only looked at again: controller-runtime's
priority queue lowers the same ones (https://pkg.go.dev/sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue).

::

    add(key) ──> ready ──get()──> processing ──done(key)──> (dirty? -> ready)
       ^                                │
       └── add_after(key, seconds) <── add_rate_limited(key)

A key is never processed by two workers; a key added while it is processed is dirty and processed once more.
"""

import asyncio
import random
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import chain, islice

from swefoundry import metrics

BASE_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 120.0

LOW_SHARE = 8
"""Of so many keys that are taken, one has low priority while both wait: neither ever waits for good."""


class Priority(Enum):
    """Which keys go first."""

    NORMAL = "normal"
    LOW = "low"
    """Objects that are new or are looked at again, and statuses that only show progress."""


def strongest(priorities: Iterable[Priority]) -> Priority:
    """Normal when one of them is."""
    return Priority.NORMAL if Priority.NORMAL in priorities else Priority.LOW


@dataclass(frozen=True)
class Key:
    """Identity of an object to reconcile."""

    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


class WorkQueue:
    """The queue. Everything runs on one event loop."""

    def __init__(self) -> None:
        self._ready: dict[Priority, OrderedDict[Key, float]] = {each: OrderedDict() for each in Priority}
        """Keys with the time since when they wait, in their order."""
        self._available = asyncio.Semaphore(0)
        """As many as there are ready keys."""
        self._taken = 0
        self._taken_at = time.monotonic()
        self._processing: set[Key] = set()
        self._dirty: dict[Key, Priority] = {}
        self._timers: dict[Key, tuple[asyncio.TimerHandle, Priority]] = {}
        self._failures: dict[Key, int] = {}
        self._held_back: dict[Key, Priority] | None = None

    def hold(self) -> None:
        """Keep the keys that are added until ``start``: in a standby nothing waits for a worker."""
        self._held_back = self._held_back or {}

    def start(self) -> None:
        """Add the keys that were kept, and from now on each at once."""
        held_back, self._held_back = self._held_back, None
        for key, priority in (held_back or {}).items():
            self.add(key, priority)

    @property
    def held(self) -> bool:
        """Whether keys are kept."""
        return self._held_back is not None

    def add(self, key: Key, priority: Priority = Priority.NORMAL) -> None:
        """Reconcile ``key`` as soon as a worker is free; of two priorities of a key the stronger counts."""
        if self._held_back is not None:
            self._held_back[key] = strongest((priority, self._held_back.get(key, priority)))
            return
        if key in self._processing:
            self._dirty[key] = strongest((priority, self._dirty.get(key, priority)))
            return
        normal, low = self._ready[Priority.NORMAL], self._ready[Priority.LOW]
        if key in normal or (key in low and priority is Priority.LOW):
            return
        if low.pop(key, None) is None:
            metrics.QUEUE_ADDS.inc()
            self._available.release()
        self._ready[priority][key] = time.monotonic()
        metrics.QUEUE_DEPTH.set(len(self))

    def add_after(self, key: Key, seconds: float, priority: Priority = Priority.NORMAL) -> None:
        """Add ``key`` in ``seconds``, unless it is to be added earlier already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        if key in self._timers:
            planned, known = self._timers[key]
            priority = strongest((priority, known))
            if planned.when() <= due:
                self._timers[key] = planned, priority
                return
            planned.cancel()
        self._timers[key] = loop.call_at(due, self._fire, key), priority

    def add_rate_limited(self, key: Key, after: float | None = None) -> float:
        """Add ``key`` again after an error, with exponential backoff and jitter; return the delay in seconds.

        Errors of reconciles that events caused before the planned one is due count once: an outage of seconds, with
        many events, must not lead to a pause of minutes.
        """
        failures = self._failures.get(key, 0)
        if failures == 0 or key not in self._timers:
            failures += 1
            self._failures[key] = failures
        backoff = min(MAX_DELAY_SECONDS, BASE_DELAY_SECONDS * 2.0 ** (failures - 1))
        delay = max(backoff * random.uniform(0.75, 1.25), after or 0.0)
        metrics.QUEUE_RETRIES.inc()
        self.add_after(key, delay)
        return delay

    def forget(self, key: Key) -> None:
        """Reset the backoff of ``key``."""
        self._failures.pop(key, None)

    async def get(self) -> Key:
        """Wait for a key; it is being processed until ``done``."""
        await self._available.acquire()
        priority = self._next_priority()
        key, since = self._ready[priority].popitem(last=False)
        self._taken += 1
        self._taken_at = time.monotonic()
        metrics.QUEUE_DEPTH.set(len(self))
        metrics.QUEUE_SECONDS.labels(priority.value).observe(self._taken_at - since)
        self._processing.add(key)
        return key

    def _next_priority(self) -> Priority:
        normal, low = self._ready[Priority.NORMAL], self._ready[Priority.LOW]
        if normal and low:
            return Priority.LOW if self._taken % LOW_SHARE == LOW_SHARE - 1 else Priority.NORMAL
        return Priority.NORMAL if normal else Priority.LOW

    def done(self, key: Key) -> None:
        """Mark ``key`` as processed."""
        self._processing.discard(key)
        if key in self._dirty:
            self.add(key, self._dirty.pop(key))

    def stalled_seconds(self) -> float:
        """For how long keys have waited and none was taken, seconds; 0 when none waits."""
        oldest = min(chain.from_iterable(ready.values() for ready in self._ready.values()), default=None)
        return 0.0 if oldest is None else time.monotonic() - max(oldest, self._taken_at)

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it: counts, and at most ``limit`` keys of each sort."""
        now = asyncio.get_running_loop().time()
        delayed = sorted((timer.when() - now, str(key)) for key, (timer, _) in self._timers.items())
        failing = sorted(((count, str(key)) for key, count in self._failures.items()), reverse=True)
        return {
            "ready": len(self),
            "lowPriority": len(self._ready[Priority.LOW]),
            "stalledSeconds": round(self.stalled_seconds(), 1),
            "processing": sorted(map(str, self._processing)),
            "delayed": len(delayed),
            "failing": len(failing),
            "readyKeys": [str(key) for key in islice(chain(*self._ready.values()), limit)],
            "delayedKeys": [
                {"key": key, "inSeconds": round(max(0.0, seconds), 1)} for seconds, key in delayed[:limit]
            ],
            "failingKeys": [{"key": key, "failures": count} for count, key in failing[:limit]],
        }

    def __contains__(self, key: Key) -> bool:
        """Whether ``key`` is being processed, or ready to be."""
        return key in self._processing or any(key in ready for ready in self._ready.values())

    def __len__(self) -> int:
        return sum(len(ready) for ready in self._ready.values())

    def _fire(self, key: Key) -> None:
        _, priority = self._timers.pop(key)
        self.add(key, priority)
