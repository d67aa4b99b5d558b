"""Informer, worker and health: from watch events to reconciles, and what follows from their errors."""

import asyncio
import itertools

import kopf
import pytest

from builders import NOW
from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import make_operator
from swefoundry import errors, metrics
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.kopf_adapter import (
    MAX_WATCH_BACKOFF_SECONDS,
    UnlimitedBackoff,
    configure_kopf,
)
from swefoundry.controllers.watch import Informer
from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.pod_spec import ContainerTemplate, pod_manifest

TASK = Key("TaskInstance", "here", "task-one")
PLACE = ("taskinstances", "here", "task-one")


@pytest.fixture
def operator(context):
    context.settings = context.settings.model_copy(update={"namespaces": ["here"]})
    return make_operator(context, clock=lambda: NOW)


def a_pod(server, owner=None, work="intake"):
    """A pod of the operator's, as an earlier process made it."""
    whose = Owner("TaskInstance", "here", "task-one", owner["metadata"]["uid"] if owner else "uid-of-nobody")
    body = pod_manifest(
        AttemptRef(whose, Role.INTAKE, work, 0, "n" * 32), ContainerTemplate("image", {}, {}, {}, 60)
    )
    return server.create("pods", "here", body)


async def ready(operator):
    """Everything that the workers would get now."""
    queue = operator.context.queue
    keys = {await queue.get() for _ in range(len(queue))}
    for key in keys:
        queue.done(key)
    return keys


def logged(caplog, message):
    """Fields of the records with this message."""
    return [record.fields for record in caplog.records if record.message == message]


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for is on the other side of a connection
        await asyncio.sleep(0.005)


async def send_event(operator, body, kind="MODIFIED"):
    await operator.informer.on_event(event={"type": kind, "object": body})


async def test_a_new_object_is_enqueued_and_an_echo_is_not(operator, server):
    body = server.create("taskinstances", "here", manifest())
    await send_event(operator, body, "ADDED")
    assert await ready(operator) == {TASK}
    await send_event(operator, body)
    assert await ready(operator) == set()


async def test_an_event_of_a_pod_enqueues_its_owner_even_when_it_is_an_echo(operator, server):
    task = server.create("taskinstances", "here", manifest())
    operator.context.cache.put(task)
    body = a_pod(server, task)
    operator.context.cache.put(body)
    await send_event(operator, body)
    assert await ready(operator) == {TASK}


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


async def test_a_changed_task_enqueues_its_envbuild(operator, server):
    task = server.create("taskinstances", "here", manifest())
    owner = {"kind": "TaskInstance", "name": "task-one", "uid": task["metadata"]["uid"], "controller": True}
    build = {"metadata": {"name": "task-one", "ownerReferences": [owner]}, "spec": {}}
    operator.context.cache.put(server.create("envbuilds", "here", build))
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


async def test_orphaned_pods_are_released(operator, server):
    task = server.create("taskinstances", "here", manifest())
    await send_event(operator, task, "ADDED")
    body = a_pod(server, task)
    await send_event(operator, body, "ADDED")
    await ready(operator)
    server.delete(PLACE)
    await send_event(operator, task, "DELETED")
    key = Key("Pod", "here", body["metadata"]["name"])
    assert await ready(operator) == {TASK, key}
    assert await operator.worker.reconcile_once(key) == "ok"
    assert server.bodies("pods") == []


async def test_a_pod_whose_owner_is_not_cached_yet_is_kept(operator, server):
    task = server.create("taskinstances", "here", manifest())
    body = a_pod(server, task)
    await send_event(operator, body, "ADDED")
    key = Key("Pod", "here", body["metadata"]["name"])
    assert await operator.worker.reconcile_once(key) == "ok"
    assert len(server.bodies("pods")) == 1
    assert operator.context.cache.get(TASK) is not None


async def test_a_pod_of_a_predecessor_is_released_although_a_task_of_that_name_exists(operator, server):
    await send_event(operator, server.create("taskinstances", "here", manifest()), "ADDED")
    body = a_pod(server)
    await send_event(operator, body, "ADDED")
    assert await operator.worker.reconcile_once(Key("Pod", "here", body["metadata"]["name"])) == "ok"
    assert server.bodies("pods") == []


async def test_a_deleted_object_is_not_reconciled_again(operator, server):
    await send_event(operator, server.create("taskinstances", "here", manifest()), "ADDED")
    server.delete(PLACE)
    assert await operator.worker.reconcile_once(TASK) == "gone"
    assert operator.context.cache.get(TASK) is None
    assert not operator.context.queue._timers and not operator.context.queue._failures
    assert await operator.worker.reconcile_once(TASK) == "ok"


async def test_missing_content_of_an_existing_object_is_logged_and_retried(operator, server, caplog, seeded):
    body = server.create("taskinstances", "here", manifest())
    facts = "sha256:" + "0" * 64
    prepared = {"source": seeded.source, "facts": facts, "layers": seeded.layers}
    image = {"name": "r/i:t", "digest": seeded.image}
    status = {"prepared": prepared, "image": image, "envBuild": "task-one"}
    body = server.patch(PLACE, {"status": status}, subresource="status")
    owner = {"kind": "TaskInstance", "name": "task-one", "uid": body["metadata"]["uid"], "controller": True}
    build = {
        "spec": {"repo": "owner/name", "source": {"artifact": {"digest": seeded.source}}, "facts": facts}
    }
    server.create("envbuilds", "here", build | {"metadata": {"name": "task-one", "ownerReferences": [owner]}})
    server.patch(
        ("envbuilds", "here", "task-one"), {"status": {"draft": "sha256:" + "9" * 64}}, subresource="status"
    )
    await operator.informer.resync()
    assert await operator.worker.reconcile_once(TASK) == "refused"
    assert [line["errorType"] for line in logged(caplog, "reconcile refused")] == ["NotFound"]
    assert TASK in operator.context.queue._timers


async def test_a_busy_api_is_retried_after_the_delay_it_asks_for(operator, server):
    await send_event(operator, server.create("taskinstances", "here", manifest()), "ADDED")
    server.forced_errors["POST pods"] = (503, "etcd is slow")
    assert await operator.worker.reconcile_once(TASK) == "retry"
    assert TASK in operator.context.queue._timers


async def test_a_defect_does_not_stop_other_objects(operator, server, caplog):
    body = server.create("taskinstances", "here", manifest())
    await send_event(
        operator, body | {"metadata": body["metadata"] | {"creationTimestamp": "yesterday"}}, "ADDED"
    )
    assert await operator.worker.reconcile_once(TASK) == "defect"
    assert [line["errorType"] for line in logged(caplog, "defect in a reconcile")] == ["ValueError"]


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"repo": "no slash"}, "spec.repo: "),
        ({"validation": {"repeats": 99}}, "spec.validation.repeats: "),
        ({"environment": {"strategies": ["magic"]}}, "spec.environment.strategies.0: "),
    ],
)
async def test_an_invalid_object_is_stalled_with_its_field_and_written_once(operator, server, spec, field):
    server.create("taskinstances", "here", manifest(**spec))
    going = {
        "type": "Reconciling",
        "status": "True",
        "reason": "Intake",
        "lastTransitionTime": "2026-01-01T11:00:00Z",
    }
    body = server.patch(
        PLACE, {"status": {"conditions": [going], "observedGeneration": 0}}, subresource="status"
    )
    await send_event(operator, body, "ADDED")
    assert await operator.worker.reconcile_once(TASK) == "ok"
    status = server.one("taskinstances")["status"]
    found = {
        item["type"]: (item["status"], item["reason"], item["message"][: len(field)])
        for item in status["conditions"]
    }
    assert found == {"Ready": ("False", "InvalidSpec", field), "Stalled": ("True", "InvalidSpec", field)}
    assert (status["phase"], status["observedGeneration"]) == ("Failed", 1)
    await send_event(operator, server.one("taskinstances"))
    server.requests.clear()
    assert await operator.worker.reconcile_once(TASK) == "ok"
    assert server.requests == []


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


async def test_ten_thousand_finished_objects_cost_one_reconcile_each_and_no_write(operator, server):
    """A resync of a large data set: nothing is sent, and nobody is looked at twice."""
    ended = {"phase": "Validated", "finishedAt": "2026-01-01T11:00:00Z", "verdict": "fail2pass"}
    meta = {"namespace": "here", "generation": 1, "creationTimestamp": "2026-01-01T10:00:00Z"}
    spec = manifest()["spec"]
    for number in range(5000):
        name, uid = f"task-{number}", f"t{number}"
        body = {"kind": "TaskInstance", "spec": spec, "status": ended}
        operator.informer.observe_object(
            body | {"metadata": meta | {"name": name, "uid": uid, "resourceVersion": str(number + 1)}}
        )
        owner = {"kind": "TaskInstance", "name": name, "uid": uid, "controller": True}
        build = {
            "kind": "EnvBuild",
            "spec": {"repo": "o/n", "source": {"artifact": {"digest": "sha256:" + "a" * 64}}},
        }
        own = meta | {"name": name, "uid": f"b{number}", "ownerReferences": [owner], "resourceVersion": "1"}
        operator.informer.observe_object(
            build | {"metadata": own, "status": {"finishedAt": "2026-01-01T11:00:00Z"}}
        )
    queue, looks = operator.context.queue, 0
    while len(queue):
        key = await queue.get()
        assert await operator.worker.reconcile_once(key) == "ok"
        queue.done(key)
        looks += 1
    assert (looks, server.requests, len(queue._timers)) == (10_000, [], 0)


async def test_the_probe_fails_when_the_queue_is_stuck(operator):
    assert (await operator.healthz())["queueSeconds"] == 0.0
    operator.context.queue.add(TASK)
    assert (await operator.healthz())["queueSeconds"] >= 0.0
    operator.context.queue._ready_since[TASK] -= operator.context.settings.stale_seconds + 1
    with pytest.raises(errors.SwefoundryError, match=r"has waited 90. s for a worker"):
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


async def test_real_workers_bring_a_task_to_its_verdict_and_stop_on_request(operator, server, seeded):
    server.create("taskinstances", "here", manifest())
    kubelet = Kubelet(server, ScriptedPods(seeded))
    await operator.start(settings=kopf.OperatorSettings())
    delivered = 0
    while "verdict" not in server.one("taskinstances")["status"]:
        for step in kubelet.steps():
            step()
        while delivered < len(server.changes):
            delivered += 1
            if server.changes[delivered - 1]["object"]["kind"] != "Event":
                await operator.informer.on_event(event=server.changes[delivered - 1])
        await asyncio.sleep(0.01)
    assert (await operator.healthz())["watchSeconds"] >= 0
    await operator.stop()
    assert all(task.done() for task in operator._tasks)
    with pytest.raises(errors.SwefoundryError, match="internal tasks have ended"):
        await operator.healthz()
    names = [body["metadata"]["name"] for body in server.created if body["kind"] == "Pod"]
    assert len(names) == len(set(names)) == 7
    assert metrics.REGISTRY.get_sample_value(
        "swefoundry_reconcile_total", {"kind": TASKS.kind, "result": "ok"}
    )


async def test_workers_start_only_after_a_complete_list(operator, server, monkeypatch):
    """The API answers for tasks and not for pods: the pods of running tasks must not be made again."""
    monkeypatch.setattr("swefoundry.controllers.watch.INITIAL_LIST_RETRY_SECONDS", 0.005)
    task = server.create("taskinstances", "here", manifest())
    a_pod(server, task)
    server.forced_errors["GET pods"] = (503, "busy")
    starting = asyncio.create_task(operator.start(settings=kopf.OperatorSettings()))
    await until(lambda: server.requests.count("GET pods") >= 3)
    assert not starting.done() and server.writes() == []
    server.forced_errors.clear()
    await starting
    await until(lambda: server.one("taskinstances")["status"])
    await operator.stop()
    assert len(server.bodies("pods")) == 1


def test_kopf_stores_nothing_posts_nothing_and_retries_forever():
    settings = kopf.OperatorSettings()
    configure_kopf(settings)
    assert (settings.posting.enabled, settings.scanning.disabled, settings.peering.standalone) == (
        False,
        True,
        True,
    )
    pauses = list(itertools.islice(UnlimitedBackoff(), 50))
    assert pauses == sorted(pauses) and pauses[-1] == MAX_WATCH_BACKOFF_SECONDS
