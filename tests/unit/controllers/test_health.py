"""Health: when the liveness probe fails."""

import pytest

from simulated.scripted_pods import manifest
from swefoundry import errors
from unit.controllers.informer_inputs import PLACE, TASK, send_event


async def test_the_probe_fails_when_the_queue_is_stuck(operator):
    assert (await operator.healthz())["queueSeconds"] == 0.0
    operator.context.queue.add(TASK)
    assert (await operator.healthz())["queueSeconds"] >= 0.0
    queue = operator.context.queue
    for ready in queue._ready.values():
        ready |= {key: since - operator.context.settings.stale_seconds - 1 for key, since in ready.items()}
    queue._taken_at -= operator.context.settings.stale_seconds + 1
    with pytest.raises(errors.SwefoundryError, match=r"no worker has taken one for 90. s"):
        await operator.healthz()


async def test_the_probe_fails_when_watches_miss_changes_but_not_when_nothing_happens(operator, server):
    server.create("taskinstances", "here", manifest())
    await operator.informer.initial_list()
    for _ in range(3):
        await operator.informer.resync()
    assert await operator.healthz()
    server.patch(PLACE, {"spec": {"suspend": True}})
    await operator.informer.resync()
    assert await operator.healthz()
    server.delete(PLACE)
    await operator.informer.resync()
    with pytest.raises(errors.SwefoundryError, match="2 consecutive resyncs found changes"):
        await operator.healthz()
    await send_event(operator, server.create("taskinstances", "here", manifest()), "ADDED")
    await operator.informer.resync()
    assert await operator.healthz()
