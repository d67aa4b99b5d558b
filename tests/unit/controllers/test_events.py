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


def owner(kind, name, uid):
    return {
        "apiVersion": "swefoundry.dev/v1alpha1",
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
    }


def cache_build(context, owners):
    meta = {
        "name": "task-one",
        "namespace": a_build().namespace,
        "uid": "uid-of-build",
        "creationTimestamp": "2026-01-01T11:00:00Z",
        "ownerReferences": owners,
    }
    context.cache.put({"kind": "EnvBuild", "metadata": meta | {"resourceVersion": "10"}})


async def post_ends_of_build(context):
    await emit_events(context, a_build(), ended("Accepted", "round 1", a_build, stalled="False"), NOW)
    await emit_events(context, a_build(), ended("EnvironmentNotBuilt", "no round", a_build), NOW)


def posted(server):
    return [(body["involvedObject"]["kind"], body["reason"]) for body in server.bodies("events")]


async def test_the_env_build_of_a_task_posts_only_its_failure(server, context):
    cache_build(context, [owner("TaskInstance", "task-one", "uid-of-task")])
    await emit_events(context, a_task(), ended("Fail2Pass", "valid", stalled="False"), NOW)
    await post_ends_of_build(context)
    assert posted(server) == [("TaskInstance", "Fail2Pass"), ("EnvBuild", "EnvironmentNotBuilt")]


async def test_an_env_build_that_serves_no_task_posts_both_ends(server, context):
    cache_build(context, [])
    await post_ends_of_build(context)
    assert posted(server) == [("EnvBuild", "Accepted"), ("EnvBuild", "EnvironmentNotBuilt")]
