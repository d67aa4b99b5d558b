"""Deduplicating queue of the keys to reconcile, as client-go's workqueue.

::

    add(key) ──> ready ──get()──> processing ──done(key)──> (dirty? -> ready)
       ^                                │
       └── add_after(key, seconds) <── add_rate_limited(key)

A key is never processed by two workers; a key added while it is processed is dirty and processed once more.
"""

import asyncio
import random
import time
from dataclasses import dataclass

from swefoundry import metrics

BASE_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 120.0


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
        self._ready: asyncio.Queue[Key] = asyncio.Queue()
        self._ready_since: dict[Key, float] = {}
        self._processing: set[Key] = set()
        self._dirty: set[Key] = set()
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._failures: dict[Key, int] = {}
        self._held_back: dict[Key, None] | None = None

    def hold(self) -> None:
        """Keep the keys that are added until ``start``: in a standby nothing waits for a worker."""
        self._held_back = self._held_back or {}

    def start(self) -> None:
        """Add the keys that were kept, and from now on each at once."""
        held_back, self._held_back = self._held_back, None
        for key in held_back or ():
            self.add(key)

    @property
    def held(self) -> bool:
        """Whether keys are kept."""
        return self._held_back is not None

    def add(self, key: Key) -> None:
        """Reconcile ``key`` as soon as a worker is free."""
        if self._held_back is not None:
            self._held_back[key] = None
            return
        if key in self._processing:
            self._dirty.add(key)
            return
        if key in self._ready_since:
            return
        metrics.QUEUE_ADDS.inc()
        self._ready_since[key] = time.monotonic()
        self._ready.put_nowait(key)
        metrics.QUEUE_DEPTH.set(len(self))

    def add_after(self, key: Key, seconds: float) -> None:
        """Add ``key`` in ``seconds``, unless it is to be added earlier already."""
        loop = asyncio.get_running_loop()
        due = loop.time() + seconds
        planned = self._timers.get(key)
        if planned is not None and planned.when() <= due:
            return
        if planned is not None:
            planned.cancel()
        self._timers[key] = loop.call_at(due, self._fire, key)

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
        key = await self._ready.get()
        metrics.QUEUE_DEPTH.set(len(self))
        metrics.QUEUE_SECONDS.observe(time.monotonic() - self._ready_since.pop(key))
        self._processing.add(key)
        return key

    def done(self, key: Key) -> None:
        """Mark ``key`` as processed."""
        self._processing.discard(key)
        if key in self._dirty:
            self._dirty.discard(key)
            self.add(key)

    def oldest_age_seconds(self) -> float:
        """How long the oldest ready key has waited, seconds; 0 when none does."""
        return time.monotonic() - min(self._ready_since.values()) if self._ready_since else 0.0

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it: counts, and at most ``limit`` keys of each sort."""
        now = asyncio.get_running_loop().time()
        delayed = sorted((timer.when() - now, str(key)) for key, timer in self._timers.items())
        failing = sorted(((count, str(key)) for key, count in self._failures.items()), reverse=True)
        return {
            "ready": len(self),
            "oldestReadySeconds": round(self.oldest_age_seconds(), 1),
            "processing": sorted(map(str, self._processing)),
            "delayed": len(delayed),
            "failing": len(failing),
            "readyKeys": [str(key) for key, _ in zip(self._ready_since, range(limit), strict=False)],
            "delayedKeys": [
                {"key": key, "inSeconds": round(max(0.0, seconds), 1)} for seconds, key in delayed[:limit]
            ],
            "failingKeys": [{"key": key, "failures": count} for count, key in failing[:limit]],
        }

    def __contains__(self, key: Key) -> bool:
        """Whether ``key`` is being processed, or ready to be."""
        return key in self._processing or key in self._ready_since

    def __len__(self) -> int:
        return self._ready.qsize()

    def _fire(self, key: Key) -> None:
        self._timers.pop(key, None)
        self.add(key)
