"""Worker: one reconcile of a key, what follows from its errors, and the release of orphaned pods."""

import pytest

from simulated.scripted_pods import manifest
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.unwritten_statuses import UnwrittenStatuses
from unit.controllers.informer_inputs import PLACE, TASK, a_pod, ready, send_event


def logged(caplog, message):
    """Fields of the records with this message."""
    return [record.fields for record in caplog.records if record.message == message]


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
    operator.context.unwritten = UnwrittenStatuses(phase_seconds=0.0)
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
