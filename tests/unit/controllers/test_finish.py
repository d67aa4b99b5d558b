"""End of a reconcile: the one status write, the release of pods, the requeue."""

from datetime import UTC, datetime

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
from swefoundry.workloads.unwritten_statuses import UnwrittenStatuses

KEY = Key("TaskInstance", "here", "task-one")
OTHER = Key("TaskInstance", "here", "other")
ATTEMPT = Attempt(work="before-0", number=1, pod="p")
NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)


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
    await write_status(context, TASKS, task, changed(task, phase="Validated", finished_at=NOW))
    assert server.requests == ["PATCH taskinstances/task-one/status"]
    assert server.one("taskinstances")["status"]["phase"] == "Validated"
    assert context.cache.get(KEY)["status"]["phase"] == "Validated"
    assert await context.queue.get() == KEY


async def test_removed_fields_are_removed_from_the_object(server, context, task):
    await write_status(context, TASKS, task, changed(task, verdict=None, round=None))
    assert server.one("taskinstances")["status"].keys().isdisjoint({"verdict", "round"})


async def test_empty_lists_are_left_out_and_a_list_that_becomes_empty_is_removed(server, context, task):
    await write_status(context, TASKS, task, changed(task, running=[ATTEMPT], evidence="sha256:" + "1" * 64))
    running = parse_task_instance(server.one("taskinstances"))
    await write_status(context, TASKS, running, changed(running, running=[], finished_at=NOW))
    assert server.one("taskinstances")["status"] == {
        "evidence": "sha256:" + "1" * 64,
        "finishedAt": "2026-01-01T12:00:00Z",
        "infraRetries": 0,
        "observedGeneration": 0,
        "phase": "Validating",
        "round": 1,
        "verdict": "fail2pass",
    }


async def test_the_spec_is_never_touched(server, context, task):
    before = server.one("taskinstances")
    await write_status(context, TASKS, task, changed(task, phase="Failed", finished_at=NOW))
    after = server.one("taskinstances")
    assert (after["spec"], after["metadata"]["generation"]) == (
        before["spec"],
        before["metadata"]["generation"],
    )


async def test_a_status_based_on_an_older_version_is_a_conflict(server, context, task):
    server.patch(("taskinstances", "here", "task-one"), {"spec": {"suspend": True}})
    with pytest.raises(errors.ApiConflict):
        await write_status(context, TASKS, task, changed(task, phase="Failed", finished_at=NOW))
    assert server.one("taskinstances")["status"]["phase"] == "Validating"


async def test_a_successor_of_the_same_name_gets_no_status_of_its_predecessor(server, context, task):
    server.delete(("taskinstances", "here", "task-one"))
    server.create("taskinstances", "here", manifest())
    with pytest.raises(errors.ApiConflict):
        await write_status(context, TASKS, task, changed(task, phase="Failed", finished_at=NOW))
    assert server.one("taskinstances")["status"] == {}


@pytest.fixture
def seconds(context):
    """A clock of the context, in seconds; it stands still."""
    clock = [100.0]
    context.unwritten = UnwrittenStatuses(clock=lambda: clock[0])
    return clock


async def write(context, **fields):
    """Write the cached TaskInstance with these fields changed, as its next reconcile does."""
    task = parse_task_instance(context.cache.get(KEY))
    await write_status(context, TASKS, task, changed(task, **fields))


async def test_a_phase_is_in_the_cache_at_once_and_written_when_it_has_lasted_a_second(
    server, context, task, seconds
):
    await write(context, phase="Queued")
    assert (server.requests, context.cache.get(KEY)["status"]["phase"]) == ([], "Queued")
    assert KEY in context.queue._timers
    seconds[0] += 1.0
    await write(context)
    assert server.one("taskinstances")["status"]["phase"] == "Queued"


@pytest.mark.parametrize(
    ("fields", "order"),
    [({"phase": "Queued"}, [OTHER, KEY]), ({"evidence": "sha256:" + "1" * 64}, [KEY, OTHER])],
    ids=["progress", "a result"],
)
async def test_after_progress_was_written_an_object_lets_others_pass(
    server, context, task, seconds, fields, order
):
    await write(context, **fields)
    seconds[0] += 1.0
    await write(context)
    assert server.requests == ["PATCH taskinstances/task-one/status"]
    context.queue.add(OTHER)
    assert [await context.queue.get() for _ in range(2)] == order


async def test_a_phase_that_passes_within_a_second_is_never_written(server, context, task, seconds):
    await write(context, phase="Queued")
    seconds[0] += 0.5
    await write(context, phase="Validating")
    seconds[0] += 60.0
    await write(context)
    assert server.requests == []


async def test_a_result_writes_what_was_kept(server, context, task, seconds):
    await write(context, running=[ATTEMPT])
    await write(context, evidence="sha256:" + "1" * 64)
    assert server.requests == ["PATCH taskinstances/task-one/status"]
    assert [item["pod"] for item in server.one("taskinstances")["status"]["running"]] == ["p"]


async def test_a_message_of_the_same_phase_waits_for_ten_seconds(server, context, task, seconds):
    await write(context, round=2)
    seconds[0] += 9.0
    await write(context, round=3)
    assert server.requests == []
    seconds[0] += 1.0
    await write(context)
    assert server.one("taskinstances")["status"]["round"] == 3


async def test_a_phase_that_another_object_shows_is_written_when_it_has_lasted(
    server, context, task, seconds
):
    await write_status(context, TASKS, task, changed(task, phase="Queued"), repeated=True)
    seconds[0] += 4.0
    await write_status(context, TASKS, task, changed(task, phase="Queued"), repeated=True)
    assert server.requests == []
    seconds[0] += 1.0
    await write_status(context, TASKS, task, changed(task, phase="Queued"), repeated=True)
    assert server.one("taskinstances")["status"]["phase"] == "Queued"


async def test_a_result_that_a_pod_holds_waits_for_a_second_and_says_that_it_is_not_written(
    server, context, task, seconds
):
    held = changed(task, phase="Preparing", evidence="sha256:" + "1" * 64)
    assert await write_status(context, TASKS, task, held, held=True) is False
    assert (server.requests, context.cache.get(KEY)["status"]["phase"]) == ([], "Preparing")
    cached = parse_task_instance(context.cache.get(KEY))
    assert await write_status(context, TASKS, cached, changed(cached, phase="Queued")) is True
    assert server.requests == ["PATCH taskinstances/task-one/status"]
    assert server.one("taskinstances")["status"]["phase"] == "Queued"


async def test_progress_that_is_kept_holds_no_results_back(context, task, seconds):
    assert await write_status(context, TASKS, task, changed(task, phase="Queued")) is True


async def test_what_was_kept_is_found_anew_when_somebody_else_changes_the_object(
    server, context, task, seconds
):
    await write(context, phase="Queued")
    context.cache.put(server.patch(("taskinstances", "here", "task-one"), {"spec": {"suspend": True}}))
    seconds[0] += 60.0
    await write(context)
    assert (server.requests, context.cache.get(KEY)["status"]["phase"]) == ([], "Validating")
    await write(context, phase="Suspended")
    seconds[0] += 1.0
    await write(context)
    assert server.one("taskinstances")["status"]["phase"] == "Suspended"


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
    timer, _ = context.queue._timers[KEY]
    assert len(context.queue) == 0
    schedule_requeue(context, KEY, [Wait("c", "Backoff", requeue_seconds=9.0)])
    assert context.queue._timers[KEY][0] is timer
