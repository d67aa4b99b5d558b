"""Full collections of Python's garbage collector, at times of our own.

CPython starts one when the objects that have survived the younger generations grow by a quarter, and each one visits
every cached object. A cached object is a tree, which is freed with its last reference; only cycles need a collection.
"""

import gc
import time

YOUNGEST_OBJECTS = 5_000
"""Allocations between collections of the youngest generation: about what the parser makes of one page of a list. With
CPython's 700 the same page is visited several times.
"""

OLDER_COLLECTIONS = 10
"""Collections of the youngest generation for each one of the middle generation: CPython's default."""

NEVER = 2**31 - 1
"""The largest threshold that CPython takes."""


def postpone_full_collections() -> None:
    """Leave the oldest generation alone until ``collect_fully``."""
    gc.set_threshold(YOUNGEST_OBJECTS, OLDER_COLLECTIONS, NEVER)


def collect_fully() -> float:
    """Free all cycles; return the seconds that it took, in which the event loop stood still."""
    started = time.perf_counter()
    gc.collect()
    return time.perf_counter() - started
