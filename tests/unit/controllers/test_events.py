"""Kubernetes events of an object."""

from builders import NOW, a_build, a_task
from swefoundry.api.types import Attempt
from swefoundry.controllers.events import Event, diff_events, emit_events, event_body


def ended(reason, message, make=a_task, stalled="True"):
    stamp = {
        "status": "False",
        "reason": reason,
        "message": message,
        "lastTransitionTime": "2026-01-01T11:00:00Z",
    }
    kinds = {"Ready": "False", "Stalled": stalled}
    conditions = [stamp | {"type": kind, "status": status} for kind, status in kinds.items()]
    return make({"finishedAt": "2026-01-01T12:00:00Z", "conditions": conditions}).status


def test_the_end_is_one_event():
    over = ended("SourceMismatch", "no such commit")
    assert diff_events(a_task().status, over) == [Event("Warning", "SourceMismatch", "no such commit")]
    assert diff_events(over, over) == []


def test_a_retried_pod_is_an_event_with_its_node():
    lost = Attempt(work="before-0", number=1, pod="p", outcome="Infrastructure", reason="NodeLost", node="n1")
    new = a_task().status.model_copy(update={"attempts": [lost]})
    assert diff_events(a_task().status, new) == [
        Event("Warning", "NodeLost", "before-0, attempt 1 on n1: NodeLost")
    ]


def test_attempts_with_a_result_are_no_events():
    done = Attempt(work="before-0", number=0, pod="p", outcome="Finished", exit_code=1)
    new = a_task().status.model_copy(update={"attempts": [done]})
    assert diff_events(a_task().status, new) == []


def test_an_event_is_named_after_the_version_of_its_object():
    event = event_body(a_task(), Event("Normal", "Fail2Pass", "valid"), NOW)
    assert event["metadata"]["name"] == "task-one.10.fail2pass"
    assert event["involvedObject"]["uid"] == "uid-of-task"


async def test_a_task_posts_its_end_and_an_env_build_only_its_failure(server, context):
    await emit_events(context, a_task(), ended("Fail2Pass", "valid", stalled="False"), NOW)
    await emit_events(context, a_build(), ended("Accepted", "round 1", a_build, stalled="False"), NOW)
    await emit_events(context, a_build(), ended("EnvironmentNotBuilt", "no round", a_build), NOW)
    assert [(body["involvedObject"]["kind"], body["reason"]) for body in server.bodies("events")] == [
        ("TaskInstance", "Fail2Pass"),
        ("EnvBuild", "EnvironmentNotBuilt"),
    ]
