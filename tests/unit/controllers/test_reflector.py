"""Reflector: what a watch delivers, where it goes on, and when everything is listed again."""

import asyncio
import itertools
from contextlib import asynccontextmanager

import pytest

from simulated.scripted_pods import manifest
from swefoundry import metrics
from swefoundry.controllers.reflector import MAX_PAUSE_SECONDS, Reflector, pauses
from swefoundry.kube.resources import TASKS
from swefoundry.kube.workqueue import Key
from unit.controllers.informer_inputs import PLACE, TASK, until

LONGER_THAN_ANY_CHUNK = "x" * 400_000
LIST, WATCH = "GET taskinstances", "WATCH taskinstances"


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch):
    monkeypatch.setattr("swefoundry.controllers.reflector.pauses", lambda: itertools.repeat(0.01))


@asynccontextmanager
async def watching(operator):
    """Everything is listed, and the tasks of one namespace are watched until the block ends."""
    await operator.informer.list_all(TASKS, "here", "")
    task = asyncio.create_task(Reflector(operator.informer, TASKS, "here", "").run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


def cached(operator):
    return {key.name for key in operator.context.cache.keys(TASKS.kind)}


def relists():
    return metrics.REGISTRY.get_sample_value("swefoundry_watch_relists_total", {"kind": TASKS.kind}) or 0


async def test_what_changes_after_the_list_is_delivered(operator, server):
    server.create("taskinstances", "here", manifest())
    async with watching(operator):
        server.patch(PLACE, {"metadata": {"labels": {"colour": "red"}}})
        server.create("taskinstances", "here", manifest("task-two"))
        server.create("taskinstances", "elsewhere", manifest("task-three"))
        await until(lambda: cached(operator) == {"task-one", "task-two"})
        assert operator.context.cache.get(TASK)["metadata"]["labels"] == {"colour": "red"}
        server.delete(PLACE)
        await until(lambda: cached(operator) == {"task-two"})
    assert server.requests == [LIST, WATCH]


async def test_an_event_may_be_longer_than_what_is_read_at_once(operator, server):
    async with watching(operator):
        server.create("taskinstances", "here", manifest(problemStatement=LONGER_THAN_ANY_CHUNK))
        server.create("taskinstances", "here", manifest("task-two"))
        await until(lambda: cached(operator) == {"task-one", "task-two"})
    assert operator.context.cache.get(TASK)["spec"]["problemStatement"] == LONGER_THAN_ANY_CHUNK


async def test_a_watch_that_the_server_ends_goes_on_without_a_list(operator, server, monkeypatch):
    monkeypatch.setattr("swefoundry.kube.api_client.WATCH_SECONDS", 0.02)
    async with watching(operator):
        for number in range(3):
            server.create("taskinstances", "here", manifest(f"task-{number}"))
            watches = server.requests.count(WATCH)
            await until(lambda before=watches: server.requests.count(WATCH) > before + 1)
        assert cached(operator) == {"task-0", "task-1", "task-2"}
    assert server.requests.count(LIST) == 1


async def test_what_the_server_no_longer_has_is_found_by_a_list(operator, server, monkeypatch):
    monkeypatch.setattr("swefoundry.kube.api_client.WATCH_SECONDS", 0.02)
    server.create("taskinstances", "here", manifest())
    before = relists()
    async with watching(operator):
        server.forced_errors[WATCH] = (503, "busy")
        await until(lambda: server.requests.count(WATCH) > 1)
        server.delete(PLACE)
        last = server.create("taskinstances", "here", manifest("task-two"))
        server.kept_from = int(last["metadata"]["resourceVersion"])
        server.forced_errors.clear()
        await until(lambda: cached(operator) == {"task-two"})
    assert relists() == before + 1
    assert Key(TASKS.kind, "here", "task-two") in operator.context.queue


@pytest.mark.parametrize(
    "refusal", [(503, "busy"), (403, "no right to watch"), (404, "no such namespace"), (410, "gone")]
)
async def test_a_watch_that_is_refused_is_tried_again(refusal, operator, server):
    async with watching(operator):
        server.forced_errors[WATCH] = refusal
        server.create("taskinstances", "here", manifest())
        await until(lambda: server.requests.count(WATCH) >= 3)
        server.forced_errors.clear()
        await until(lambda: cached(operator) == {"task-one"})


def test_pauses_grow_to_a_quarter_of_a_minute_and_never_end():
    seconds = list(itertools.islice(pauses(), 50))
    assert seconds == sorted(seconds)
    assert (seconds[0], seconds[-1]) == (1, MAX_PAUSE_SECONDS)
