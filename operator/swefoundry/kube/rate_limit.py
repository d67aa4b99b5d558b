"""Token bucket that limits our writes: the client has no limit of its own, and the API server has."""

import asyncio
import time


class TokenBucket:
    """``rate`` tokens per second, ``burst`` at most; callers of ``acquire`` are served in order."""

    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._refilled_at = time.monotonic()
        self._lock = asyncio.Lock()

    async def acquire(self) -> float:
        """Wait for a token; return the seconds waited."""
        async with self._lock:
            self._refill()
            wait = max(0.0, (1 - self._tokens) / self._rate)
            if wait:
                await asyncio.sleep(wait)
                self._refill()
            self._tokens -= 1
            return wait

    def _refill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._refilled_at) * self._rate)
        self._refilled_at = now
