"""Retries of requests to a busy registry, for a few seconds at most; longer waits belong to the work queue."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from swefoundry.errors import RegistryUnavailable

ReplyT = TypeVar("ReplyT")

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0
"""Upper bounds of the random pauses between attempts; each is twice the one before."""


async def retry_while_busy(attempt: Callable[[], Awaitable[ReplyT]], seconds: float) -> ReplyT:
    """Return the first answer; raise ``RegistryUnavailable`` when an attempt fails after so many seconds."""
    ends, pause = time.monotonic() + seconds, FIRST_PAUSE_SECONDS
    while True:
        try:
            return await attempt()
        except RegistryUnavailable:
            if time.monotonic() >= ends:
                raise
        await asyncio.sleep(random.uniform(0, pause))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
