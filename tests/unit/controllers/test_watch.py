"""Informer: from watch events and lists to the cache, the queue and the places of pods."""

import asyncio

import pytest

from simulated.scripted_pods import manifest
from swefoundry.api.shards import Shard
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.watch import Informer, resync_pause, watched
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_release import release_pod
from swefoundry.workloads.pod_snapshot import read_snapshot
from unit.controllers.informer_inputs import PLACE, TASK, a_pod, ready, send_event


async def test_a_new_object_is_enqueued_and_an_echo_is_not(operator, server):
    body = server.create("taskinstances", "here", manifest())
    await send_event(operator, body, "ADDED")
    assert await ready(operator) == {TASK}
    await send_event(operator, body)
    assert await ready(operator) == set()


async def test_what_a_pod_leaves_is_looked_at_before_ten_objects_that_are_new(operator, server):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    body = a_pod(server, task)
    operator.context.cache.put(body)
    for number in range(10):
        await send_event(operator, server.create("taskinstances", "here", manifest(f"new-{number}")), "ADDED")
    place = ("pods", "here", body["metadata"]["name"])
    server.set_status(place, {"phase": "Succeeded"})
    await send_event(operator, server.get(place))
    assert await operator.context.queue.get() == TASK
    assert len(operator.context.queue) == 10


async def test_the_periodic_look_leaves_out_what_has_ended_and_has_no_pods(operator, server):
    for name in ("runs", "ended", "ended-with-pod", "ended-and-deleted"):
        task = server.create("taskinstances", "here", manifest(name))
        if name != "runs":
            place = ("taskinstances", "here", name)
            server.set_status(place, {"finishedAt": "2026-01-01T00:00:00Z"})
        if name == "ended-with-pod":
            operator.context.cache.put(a_pod(server, task))
        if name == "ended-and-deleted":
            server.patch(place, {"metadata": {"finalizers": ["somebody.example/else"]}})
            server.delete(place)
        operator.context.cache.put(server.get(("taskinstances", "here", name)))
    operator.informer.enqueue_unfinished()
    assert {key.name for key in await ready(operator)} == {"runs", "ended-with-pod", "ended-and-deleted"}


async def test_a_pod_that_starts_as_planned_asks_nothing_of_its_owner(operator, server):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    body = a_pod(server, task)
    place = ("pods", "here", body["metadata"]["name"])
    await send_event(operator, body, "ADDED")
    assert await ready(operator) == {TASK}
    creating = {"containerStatuses": [{"state": {"waiting": {"reason": "ContainerCreating"}}}]}
    for status in (creating, {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}):
        server.set_status(place, status, nodeName="node-1")
        await send_event(operator, server.get(place))
        assert await ready(operator) == set()


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Succeeded"},
        {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]},
        {"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
        {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]},
        {"conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]},
    ],
    ids=["ended", "its container ended", "its image cannot be pulled", "no node for it", "it is evicted"],
)
async def test_a_pod_enqueues_its_owner_when_there_is_something_to_do(operator, server, status):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    body = a_pod(server, task)
    place = ("pods", "here", body["metadata"]["name"])
    operator.context.cache.put(body)
    server.set_status(place, status)
    await send_event(operator, server.get(place))
    assert await ready(operator) == {TASK}


def ended(finished="2026-01-01T12:00:00Z"):
    return {"containerStatuses": [{"state": {"terminated": {"exitCode": 0, "finishedAt": finished}}}]}


RUNNING = {"containerStatuses": [{"state": {"running": {}}}]}


async def test_a_result_waits_for_pods_that_run_beside_its_pod_and_the_last_one_does_not(operator, server):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    places = []
    for work in ("before-0", "after-0"):
        name = a_pod(server, task, work)["metadata"]["name"]
        places.append(("pods", "here", name))
        server.set_status(places[-1], RUNNING, nodeName="node-1")
        operator.context.cache.put(server.get(places[-1]))
    server.set_status(places[0], ended())
    await send_event(operator, server.get(places[0]))
    assert await ready(operator) == set()
    assert operator.context.queue._timers.keys() == {TASK}
    server.set_status(places[0], {"phase": "Succeeded"} | ended())
    await send_event(operator, server.get(places[0]))
    assert await ready(operator) == set()
    server.set_status(places[1], ended())
    await send_event(operator, server.get(places[1]))
    assert await ready(operator) == {TASK}


async def test_a_pod_that_somebody_deletes_is_seen_at_once_although_others_run(operator, server):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    for work in ("before-0", "after-0"):
        place = ("pods", "here", a_pod(server, task, work)["metadata"]["name"])
        server.set_status(place, RUNNING, nodeName="node-1")
        operator.context.cache.put(server.get(place))
    server.delete(place)
    await send_event(operator, server.get(place))
    assert await ready(operator) == {TASK}


async def test_a_released_pod_asks_nothing_of_its_owner_until_its_kubelet_removes_it(operator, server):
    context, task = operator.context, server.create("taskinstances", "here", manifest())
    context.cache.put(task)
    body = a_pod(server, task)
    place = ("pods", "here", body["metadata"]["name"])
    ended = {"containerStatuses": [{"state": {"terminated": {"exitCode": 0}}}]}
    server.set_status(place, ended, nodeName="node-1")
    before = len(server.changes)
    context.cache.put(server.get(place))
    await release_pod(context, read_snapshot(server.get(place)), "here")
    server.delete(place, grace=0)
    for change in server.changes[before:]:
        await send_event(operator, change["object"], change["type"])
        assert await ready(operator) == set()
    assert context.cache.keys("Pod") == []


async def test_the_progress_of_an_envbuild_reaches_its_task_later_and_its_end_at_once(operator, server):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    owner = {"kind": "TaskInstance", "name": "task-one", "uid": task["metadata"]["uid"], "controller": True}
    build = {"metadata": {"name": "task-one", "ownerReferences": [owner]}, "spec": {}}
    key, place = Key("EnvBuild", "here", "task-one"), ("envbuilds", "here", "task-one")
    await send_event(operator, server.create("envbuilds", "here", build), "ADDED")
    assert await ready(operator) == {key}
    assert list(operator.context.queue._timers) == [TASK]
    server.set_status(place, {"finishedAt": "2026-01-01T00:00:00Z"})
    await send_event(operator, server.get(place))
    assert await ready(operator) == {key, TASK}


async def test_active_pods_hold_places_and_ended_pods_do_not(operator, server):
    task = server.create("taskinstances", "here", manifest())
    body = a_pod(server, task)
    await send_event(operator, body, "ADDED")
    assert operator.context.pod_limiter.active(Role.INTAKE) == 1
    place = ("pods", "here", body["metadata"]["name"])
    server.set_status(place, {"phase": "Succeeded"})
    await send_event(operator, server.get(place))
    assert operator.context.pod_limiter.active(Role.INTAKE) == 0
    # A list that is older than the last watch event must not take the place again.
    operator.informer.observe_object(body)
    assert operator.context.pod_limiter.active(Role.INTAKE) == 0


async def test_a_task_whose_spec_changed_enqueues_its_envbuild(operator, server):
    task = server.create("taskinstances", "here", manifest())
    owner = {"kind": "TaskInstance", "name": "task-one", "uid": task["metadata"]["uid"], "controller": True}
    build = {"metadata": {"name": "task-one", "ownerReferences": [owner]}, "spec": {}}
    operator.context.cache.put(server.create("envbuilds", "here", build))
    operator.context.cache.put(task)
    server.set_status(PLACE, {"phase": "Preparing"})
    await send_event(operator, server.get(PLACE))
    assert await ready(operator) == {TASK}
    await send_event(operator, server.patch(PLACE, {"spec": {"suspend": True}}))
    assert await ready(operator) == {TASK, Key("EnvBuild", "here", "task-one")}


async def test_a_controller_is_notified_of_deleted_objects_of_its_kind_only(context, server):
    deleted = []
    informer = Informer(context, [Controller(BUILDS, reconcile=None, on_deleted=deleted.append)])
    task = server.create("taskinstances", "here", manifest())
    build = server.create("envbuilds", "here", {"metadata": {"name": "task-one"}, "spec": {}})
    for body in (task, build):
        informer.observe_object(body)
    for body in (task, build):
        informer.observe_object(body, deleted=True)
    assert deleted == [build]


async def test_resync_finds_what_watches_missed(operator, server):
    task = server.create("taskinstances", "here", manifest("gone"))
    await send_event(operator, task, "ADDED")
    server.delete(("taskinstances", "here", "gone"))
    server.create("taskinstances", "here", manifest())
    server.create("taskinstances", "elsewhere", manifest("not-ours"))
    body = a_pod(server, server.get(PLACE))
    server.create("pods", "here", {"metadata": {"name": "not-ours"}, "spec": {}})
    assert await operator.informer.resync()
    names = {key.name for kind in ("TaskInstance", "Pod") for key in operator.context.cache.keys(kind)}
    assert names == {"task-one", body["metadata"]["name"]}


async def test_resync_returns_whether_the_api_answered(operator, server):
    server.forced_errors["GET pods"] = (403, "forbidden in a namespace that was deleted")
    assert await operator.informer.resync()
    server.forced_errors["GET pods"] = (503, "busy")
    assert not await operator.informer.resync()
    server.forced_errors["GET pods"] = (410, "The provided continue parameter is too old")
    assert not await operator.informer.resync()


@pytest.mark.parametrize(
    ("took", "pause"), [(0.0, 300.0), (6.0, 300.0), (20.0, 1000.0)], ids=["before the first", "short", "long"]
)
def test_a_resync_takes_a_fiftieth_of_the_time_at_most(took, pause):
    assert resync_pause(300.0, took) == pause


async def test_an_object_created_again_during_a_resync_is_kept(operator, server):
    await send_event(operator, server.create("taskinstances", "here", manifest()), "ADDED")
    server.delete(PLACE)

    async def meanwhile(line):
        if line == "GET envbuilds":
            # The list of tasks was taken when there was none.
            return
        if line == "GET taskinstances":
            return lambda: asyncio.ensure_future(
                send_event(operator, server.create("taskinstances", "here", manifest()))
            )

    server.request_hook = meanwhile
    await operator.informer.resync()
    await asyncio.sleep(0)
    assert operator.context.cache.get(TASK)["metadata"]["uid"] == server.get(PLACE)["metadata"]["uid"]


def test_the_api_server_filters_all_three_watches_of_a_shard():
    own = "swefoundry.dev/bucket in (1)"
    assert {resource.plural: selector for resource, selector in watched(Shard(1, 64))} == {
        "taskinstances": own,
        "envbuilds": own,
        "pods": f"app.kubernetes.io/managed-by=swefoundry,{own}",
    }
