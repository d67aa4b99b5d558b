"""When Python looks for cycles among all objects."""

import asyncio
import gc
import weakref

import pytest

from swefoundry.controllers.full_collections import collect_fully_forever, postpone_full_collections


class Node:
    """Refers to itself: only a collection frees it."""

    def __init__(self):
        self.itself = self


@pytest.fixture(autouse=True)
def thresholds():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


def full_collections():
    return gc.get_stats()[2]["collections"]


def test_a_growing_cache_starts_no_full_collection():
    postpone_full_collections()
    before = full_collections()
    kept = [[number] for number in range(1_000_000)]
    assert (len(kept), full_collections()) == (1_000_000, before)


async def test_cycles_are_freed_now_and_then():
    gc.disable()
    try:
        node = weakref.ref(Node())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(collect_fully_forever(0.01), 2)
    finally:
        gc.enable()
    assert node() is None
