"""Full collections of Python's garbage collector, at times of our own.

CPython starts one when the objects that have survived the younger generations grow by a quarter, and each one visits
every cached object. A cached object is a tree, which is freed with its last reference; only cycles need a collection.
"""

import asyncio
import gc
import logging
import time

from swefoundry.structured_log import fields

log = logging.getLogger("swefoundry.memory")

FULL_COLLECTION_SECONDS = 120.0
"""Between full collections, each of which takes a second with 20,000 objects. What cycles keep meanwhile was 90 MiB
after 300 s, with four pods a second.
"""

YOUNGEST_OBJECTS = 5_000
"""Allocations between collections of the youngest generation: about what the parser makes of one page of a list. With
CPython's 700 the same page is visited several times.
"""

OLDER_COLLECTIONS = 10
"""Collections of the youngest generation for each one of the middle generation: CPython's default."""

NEVER = 2**31 - 1
"""The largest threshold that CPython takes."""


def postpone_full_collections() -> None:
    """Leave the oldest generation to ``collect_fully_forever``."""
    gc.set_threshold(YOUNGEST_OBJECTS, OLDER_COLLECTIONS, NEVER)


async def collect_fully_forever(pause_seconds: float = FULL_COLLECTION_SECONDS) -> None:
    """Free all cycles every ``pause_seconds``; the event loop stands still meanwhile."""
    while True:
        await asyncio.sleep(pause_seconds)
        started = time.perf_counter()
        found = gc.collect()
        log.debug(
            "cycles freed", extra=fields(objects=found, seconds=round(time.perf_counter() - started, 3))
        )
