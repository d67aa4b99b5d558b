"""What a shard does with objects that it is shown without their bucket."""

import pytest

from builders import NOW
from simulated.scripted_pods import manifest
from simulated.stepping_operator import make_operator
from swefoundry.api import labels
from swefoundry.api.shards import bucket_of
from swefoundry.kube.workqueue import Key
from unit.controllers.informer_inputs import PLACE, TASK, a_pod, ready, send_event

OWN, OTHER = "owner/name", "owner/other-1"
"""Repositories of the first of two shards, and of the second."""


@pytest.fixture
def first(context):
    return a_shard(context, 0)


@pytest.fixture
def second(context):
    return a_shard(context, 1)


def a_shard(context, index):
    settings = {"namespaces": ["here"], "shard": index, "shards": 2}
    context.settings = context.settings.model_copy(update=settings)
    return make_operator(context, clock=lambda: NOW)


def bucket(server, place=PLACE):
    return server.get(place)["metadata"].get("labels", {}).get(labels.BUCKET)


def known(operator):
    return {key for kind in ("TaskInstance", "EnvBuild", "Pod") for key in operator.context.cache.keys(kind)}


@pytest.mark.parametrize(("repo", "cached"), [(OWN, {TASK}), (OTHER, set())])
async def test_a_new_instance_gets_its_bucket_and_is_reconciled_only_if_it_is_this_shards(
    first, server, repo, cached
):
    await send_event(first, server.create("taskinstances", "here", manifest(repo=repo)), "ADDED")
    assert known(first) == set()
    await first.worker.reconcile_once(await first.context.queue.get())
    assert (bucket(server), known(first) & {TASK}) == (bucket_of(repo), cached)
    assert bool(server.bodies("pods")) == (repo == OWN)


async def test_a_restart_of_the_first_shard_finds_what_has_no_bucket(first, server):
    server.create("taskinstances", "here", manifest())
    await first.informer.resync()
    assert (known(first), await ready(first)) == (set(), {TASK})


async def test_an_instance_that_was_deleted_before_it_got_its_bucket_is_forgotten(first, server):
    await send_event(first, server.create("taskinstances", "here", manifest(repo=OTHER)), "ADDED")
    server.delete(PLACE)
    key = await first.context.queue.get()
    assert await first.worker.reconcile_once(key) == "ok"
    first.worker.finish(key)
    assert (known(first), await ready(first), server.writes()) == (
        set(),
        set(),
        ["PATCH taskinstances/task-one"],
    )


async def test_a_refused_label_is_tried_again(first, server):
    server.forced_errors["PATCH taskinstances"] = (403, "forbidden")
    await send_event(first, server.create("taskinstances", "here", manifest()), "ADDED")
    key = await first.context.queue.get()
    assert await first.worker.reconcile_once(key) == "refused"
    assert first.context.queue._timers.keys() == {TASK}
    server.forced_errors.clear()
    assert await first.worker.reconcile_once(key) == "ok"
    assert bucket(server) == bucket_of(OWN)


async def test_what_an_instance_owns_gets_the_bucket_before_it_does(first, server):
    task = server.create("taskinstances", "here", manifest(repo=OTHER))
    pod = a_pod(server, task)
    first.informer.observe_object(task)
    first.informer.observe_object(server.get(("pods", "here", pod["metadata"]["name"])))
    await first.worker.reconcile_once(TASK)
    assert server.writes() == [f"PATCH pods/{pod['metadata']['name']}", "PATCH taskinstances/task-one"]
    assert bucket(server, ("pods", "here", pod["metadata"]["name"])) == bucket(server) == bucket_of(OTHER)


async def test_a_pod_gets_the_bucket_of_its_owner_from_the_api_where_the_owner_is_another_shards(
    first, server
):
    task = server.create("taskinstances", "here", manifest(repo=OTHER))
    pod = a_pod(server, task)
    place = ("pods", "here", pod["metadata"]["name"])
    await send_event(first, pod, "ADDED")
    await first.worker.reconcile_once(await first.context.queue.get())
    assert (bucket(server, place), known(first)) == (bucket_of(OTHER), set())


async def test_a_pod_is_not_released_while_its_owner_has_no_bucket(second, server):
    """Somebody has removed the owner's label, so that this shard is shown its deletion."""
    task = server.create("taskinstances", "here", manifest(repo=OTHER))
    pod = a_pod(server, task)
    place = ("pods", "here", pod["metadata"]["name"])
    for each in (PLACE, place):
        server.patch(each, {"metadata": {"labels": {labels.BUCKET: bucket_of(OTHER)}}})
        second.informer.observe_object(server.get(each))
    await ready(second)
    await send_event(second, server.get(PLACE), "DELETED")
    server.patch(PLACE, {"metadata": {"labels": {labels.BUCKET: None}}})
    key = Key("Pod", "here", pod["metadata"]["name"])
    assert key in await ready(second)
    assert await second.worker.reconcile_once(key) == "ok"
    assert server.get(place)["metadata"]["finalizers"] == [labels.FINALIZER]
    assert "deletionTimestamp" not in server.get(place)["metadata"]


async def test_a_wrong_bucket_is_corrected_by_the_shard_that_it_leads_to(second, server):
    body = server.create("taskinstances", "here", manifest())
    server.patch(PLACE, {"metadata": {"labels": {labels.BUCKET: "1"}}})
    await send_event(second, server.get(PLACE), "ADDED")
    await second.worker.reconcile_once(await second.context.queue.get())
    assert (bucket(server), known(second), server.bodies("pods")) == (bucket_of(OWN), set(), [])
    assert body["spec"]["repo"] == OWN


async def test_without_shards_no_label_is_written(context, server):
    context.settings = context.settings.model_copy(update={"namespaces": ["here"]})
    operator = make_operator(context, clock=lambda: NOW)
    await send_event(operator, server.create("taskinstances", "here", manifest()), "ADDED")
    await operator.worker.reconcile_once(TASK)
    written = {labels.BUCKET in body["metadata"].get("labels", {}) for body in server.objects.values()}
    assert (written, len(server.bodies("pods"))) == ({False}, 1)
