"""When Python looks for cycles among all objects."""

import asyncio
import gc
import weakref

import pytest

from swefoundry.controllers.full_collections import collect_fully, postpone_full_collections


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


def test_a_full_collection_frees_cycles_and_says_how_long_the_event_loop_stood_still():
    node = weakref.ref(Node())
    assert collect_fully() > 0
    assert node() is None


async def test_cycles_are_freed_with_each_resync(operator):
    operator.context.settings = operator.context.settings.model_copy(update={"resync_seconds": 0.01})
    gc.disable()
    try:
        node = weakref.ref(Node())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(operator.informer.resync_forever(), 2)
    finally:
        gc.enable()
    assert node() is None
