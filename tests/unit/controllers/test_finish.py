"""End of a reconcile: the one status write, the release of pods, the requeue."""

import pytest

from simulated.scripted_pods import manifest
from swefoundry import errors
from swefoundry.api.resource import parse_task_instance
from swefoundry.api.types import Attempt
from swefoundry.controllers.finish import release_finished_pods, schedule_requeue, write_status
from swefoundry.kube.resources import TASKS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.decide import Wait
from swefoundry.workloads.lifecycle import owned_pods

KEY = Key("TaskInstance", "here", "task-one")
ATTEMPT = Attempt(work="before-0", number=1, pod="p")


@pytest.fixture
def task(server, context):
    """A TaskInstance that has a verdict and a pod, as it is in the cache."""
    server.create("taskinstances", "here", manifest())
    status = {"phase": "Validating", "verdict": "fail2pass", "round": 1}
    body = server.patch(("taskinstances", "here", "task-one"), {"status": status}, subresource="status")
    context.cache.put(body)
    return parse_task_instance(body)


def changed(task, **fields):
    return task.status.model_copy(update=fields)


def a_pod(server, task, work, attempt):
    owner = {"kind": "TaskInstance", "name": task.name, "uid": task.uid, "controller": True}
    tags = {
        "swefoundry.dev/work": work,
        "swefoundry.dev/attempt": str(attempt),
        "swefoundry.dev/role": "evaluation",
    }
    meta = {"name": f"{work}-{attempt}", "ownerReferences": [owner], "labels": tags}
    return server.create(
        "pods", "here", {"metadata": meta | {"finalizers": ["swefoundry.dev/result"]}, "spec": {}}
    )


async def test_a_status_that_did_not_change_is_not_sent(server, context, task):
    await write_status(context, TASKS, task, changed(task))
    assert server.requests == []


async def test_a_changed_status_is_sent_once_and_cached_at_once(server, context, task):
    await write_status(context, TASKS, task, changed(task, phase="Validated"))
    assert server.requests == ["PATCH taskinstances/task-one/status"]
    assert server.one("taskinstances")["status"]["phase"] == "Validated"
    assert context.cache.get(KEY)["status"]["phase"] == "Validated"
    assert await context.queue.get() == KEY


async def test_removed_fields_are_removed_from_the_object(server, context, task):
    await write_status(context, TASKS, task, changed(task, verdict=None, round=None))
    assert server.one("taskinstances")["status"].keys().isdisjoint({"verdict", "round"})


async def test_the_spec_is_never_touched(server, context, task):
    before = server.one("taskinstances")
    await write_status(context, TASKS, task, changed(task, phase="Failed"))
    after = server.one("taskinstances")
    assert (after["spec"], after["metadata"]["generation"]) == (
        before["spec"],
        before["metadata"]["generation"],
    )


async def test_a_status_based_on_an_older_version_is_a_conflict(server, context, task):
    server.patch(("taskinstances", "here", "task-one"), {"spec": {"suspend": True}})
    with pytest.raises(errors.ApiConflict):
        await write_status(context, TASKS, task, changed(task, phase="Failed"))
    assert server.one("taskinstances")["status"]["phase"] == "Validating"


async def test_a_successor_of_the_same_name_gets_no_status_of_its_predecessor(server, context, task):
    server.delete(("taskinstances", "here", "task-one"))
    server.create("taskinstances", "here", manifest())
    with pytest.raises(errors.ApiConflict):
        await write_status(context, TASKS, task, changed(task, phase="Failed"))
    assert server.one("taskinstances")["status"] == {}


async def test_pods_that_are_not_in_status_running_are_released(server, context, task):
    for work, attempt in (("before-0", 0), ("before-0", 1), ("after-0", 0)):
        context.cache.put(a_pod(server, task, work, attempt))
    await release_finished_pods(context, task, [ATTEMPT], owned_pods(context, task.uid))
    assert [body["metadata"]["name"] for body in server.bodies("pods")] == ["before-0-1"]


async def test_a_pod_newer_than_the_status_is_kept_for_adoption(server, context, task):
    context.cache.put(a_pod(server, task, "before-0", 2))
    await release_finished_pods(context, task, [ATTEMPT], owned_pods(context, task.uid))
    assert len(server.bodies("pods")) == 1


async def test_the_earliest_wait_decides_the_requeue(context):
    schedule_requeue(
        context, KEY, [Wait("a", "Pending"), "no wait", Wait("b", "Backoff", requeue_seconds=7.0)]
    )
    schedule_requeue(context, KEY, ["no wait"])
    timer = context.queue._timers[KEY]
    assert len(context.queue) == 0
    schedule_requeue(context, KEY, [Wait("c", "Backoff", requeue_seconds=9.0)])
    assert context.queue._timers[KEY] is timer
