"""The dump of the operator's state: what it shows, and how it is served and logged."""

import asyncio
import json
import logging
import urllib.error
import urllib.request
from dataclasses import replace

import pytest

from builders import NOW, a_build
from simulated.scripted_pods import manifest
from simulated.stepping_operator import make_operator
from swefoundry import __version__
from swefoundry.cli.commands.debug import fetch_state
from swefoundry.cli.views.operator_state import state_sections
from swefoundry.controllers import http_endpoints
from swefoundry.controllers.state_dump import log_state, state_dump
from swefoundry.errors import NotFound, PermanentError
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.place_requests import PlaceRequest
from swefoundry.workloads.role_places import PodPlacement
from unit.oci.registry_server import free_port

TASK = Key("TaskInstance", "here", "task-one")
OTHER = Key("EnvBuild", "here", "task-two")
LABELS = {"app.kubernetes.io/part-of": "swefoundry", "app.kubernetes.io/component": "operator"}
USAGE = {"inputTokens": 40, "outputTokens": 2, "microUsd": 7}


def dump(operator):
    return state_dump(operator.informer, operator.controllers)


@pytest.fixture
async def operator(context, server):
    """One with a task in its cache and queue, a pod in a place, and EnvBuilds that wait."""
    operator = make_operator(context, clock=lambda: NOW)
    operator.informer.observe_object(server.create("taskinstances", "here", manifest()))
    build = server.create(
        "envbuilds", "here", {"metadata": {"name": "task-one"}, "spec": {"repo": "owner/name"}}
    )
    build = server.patch(
        ("envbuilds", "here", "task-one"), {"status": {"usage": USAGE}}, subresource="status"
    )
    context.cache.put(build)
    context.coordination.become_leader(replace(a_build(), uid=build["metadata"]["uid"]))
    context.coordination.wait_for_leader(replace(a_build(), name=OTHER.name))
    context.coordination.usage_index.wait_for_budget(OTHER)
    context.pod_limiter.observe(Role.INTAKE, "here/task-one-intake-0", PodPlacement.PLACED, NOW)
    for _ in range(4):
        context.pod_limiter.observe(Role.BUILD, f"here/build-{_}", PodPlacement.PLACED, NOW)
    context.pod_limiter.observe(Role.BUILD, "here/build-8", PodPlacement.UNSCHEDULABLE, NOW)
    context.pod_limiter.acquire(PlaceRequest(2, NOW, OTHER.name, "here/build-9", OTHER, Role.BUILD))
    context.queue.add_after(OTHER, 60)
    return operator


async def test_the_dump_shows_queue_places_waits_usage_and_caches(operator):
    state = dump(operator)
    queue = state["queue"]
    assert state["operator"]["version"] == __version__
    assert (queue["ready"], queue["readyKeys"]) == (1, [str(TASK)])
    assert (queue["delayed"], queue["processing"], queue["failing"]) == (1, [], 0)
    assert [item["key"] for item in queue["delayedKeys"]] == [str(OTHER)]
    assert 59 < queue["delayedKeys"][0]["inSeconds"] <= 60
    assert state["pods"]["intake"]["heldBy"] == ["here/task-one-intake-0"]
    assert state["pods"]["build"] == {
        "limit": 4,
        "active": 4,
        "waiting": 1,
        "heldBy": [f"here/build-{number}" for number in range(4)],
        "unplaced": ["here/build-8"],
        "waitingKeys": [str(OTHER)],
    }
    assert state["searches"] == {
        "leaders": ["here/task-one"],
        "waiting": 1,
        "waitingByRepository": {"owner/name": [str(OTHER)]},
    }
    sums = {"usedTokens": 42, "usedMicroUsd": 7, "reservedTokens": 0, "reservedMicroUsd": 0}
    assert state["usage"] == {
        "overall": sums,
        "namespaces": {"here": sums},
        "waiting": 1,
        "waitingKeys": [str(OTHER)],
    }
    assert state["cache"] == {
        "objects": {"EnvBuild": {"Pending": 1}, "TaskInstance": {"Pending": 1}},
        "blobs": 0,
        "baseImages": 0,
        "stageImages": 0,
        "environmentRecords": 0,
    }
    assert state["watch"]["missedResyncs"] == 0


async def test_keys_in_work_and_failures_are_shown_with_at_most_a_hundred_of_each(operator):
    queue = operator.context.queue
    key = await queue.get()
    queue.add_rate_limited(key)
    for number in range(150):
        queue.add(Key("Pod", "here", f"pod-{number}"))
    shown = dump(operator)["queue"]
    assert shown["processing"] == [str(TASK)]
    assert shown["failingKeys"] == [{"key": str(TASK), "failures": 1}]
    assert (shown["ready"], len(shown["readyKeys"])) == (150, 100)


async def test_the_signal_logs_one_line_per_section(operator, caplog):
    caplog.set_level(logging.INFO, "swefoundry.state")
    log_state(operator.informer, operator.controllers)
    assert [record.fields["section"] for record in caplog.records] == list(dump(operator))
    assert caplog.records[1].fields["ready"] == 1


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return answer.read()


@pytest.fixture
def port():
    return free_port()


def metrics(_, start_response):
    start_response("200 OK", [])
    return [b"swefoundry_objects 1"]


async def test_the_dump_is_served_beside_the_metrics(operator, port):
    server = http_endpoints.serve(port, metrics, lambda: dump(operator))
    try:
        body = await asyncio.to_thread(get, port, "/debug/state")
        assert json.loads(body)["queue"]["readyKeys"] == [str(TASK)]
        assert await asyncio.to_thread(get, port, "/metrics") == b"swefoundry_objects 1"
    finally:
        server.shutdown()
        server.server_close()


async def test_a_busy_event_loop_is_reported(operator, port, monkeypatch):
    monkeypatch.setattr(http_endpoints, "STATE_SECONDS", 0.05)
    server = http_endpoints.serve(port, metrics, lambda: {})
    try:
        with pytest.raises(urllib.error.HTTPError) as refused:
            get(port, "/debug/state")  # called on the loop itself, which therefore cannot answer
        assert refused.value.code == 503
        assert json.loads(refused.value.read()) == {"error": "the event loop did not answer within 0.05 s"}
    finally:
        server.shutdown()
        server.server_close()


async def test_port_zero_serves_nothing():
    assert http_endpoints.serve(0, metrics, dict) is None


def an_operator_pod(server, name="operator-1", namespace="swefoundry", phase="Running", ports=9090):
    listed = [{"name": "health", "containerPort": 8080}]
    listed += [{"name": "metrics", "containerPort": ports}] if ports else []
    body = {"metadata": {"name": name, "labels": LABELS}, "spec": {"containers": [{"ports": listed}]}}
    server.create("pods", namespace, body)
    server.set_status(("pods", namespace, name), {"phase": phase})


async def test_the_command_reads_the_state_through_the_api_server(operator, server):
    an_operator_pod(server)
    an_operator_pod(server, "operator-0", phase="Succeeded")
    state = dump(operator)
    server.objects["pods", "swefoundry", "operator-1:9090"] = {"metadata": {}, **state}
    shown = await fetch_state(operator.context.kube, "")
    assert shown["pods"] == state["pods"]
    assert server.requests[-1] == "GET pods/operator-1:9090/proxy"


async def test_the_command_asks_the_replica_that_leads(operator, server):
    for name in ("operator-1", "operator-2"):
        an_operator_pod(server, name)
    leader = dump(operator)
    operator.context.queue.hold()
    for name, state in (("operator-1", dump(operator)), ("operator-2", leader)):
        server.objects["pods", "swefoundry", f"{name}:9090"] = {"metadata": {}, **state}
    assert (await fetch_state(operator.context.kube, ""))["operator"] == leader["operator"]


async def test_the_command_asks_the_shard_that_is_named(context, server):
    for number in range(2):
        context.settings = context.settings.model_copy(update={"shard": number, "shards": 2})
        state = dump(make_operator(context, clock=lambda: NOW))
        server.objects["pods", "swefoundry", f"operator-{number}:9090"] = {"metadata": {}, **state}
        an_operator_pod(server, f"operator-{number}")
        pod = ("pods", "swefoundry", f"operator-{number}")
        server.patch(pod, {"metadata": {"labels": {"swefoundry.dev/shard": str(number)}}})
    operator = (await fetch_state(context.kube, "", shard=1))["operator"]
    assert operator == {
        "version": __version__,
        "namespaces": ["here"],
        "leads": True,
        "shard": 1,
        "shards": 2,
    }
    with pytest.raises(PermanentError, match="the work is shared by shards 0, 1: choose one with --shard"):
        await fetch_state(context.kube, "")
    with pytest.raises(NotFound, match="no running operator of shard 2; there are 0, 1"):
        await fetch_state(context.kube, "", shard=2)


async def test_the_command_says_why_there_is_no_state(operator, server):
    kube = operator.context.kube
    with pytest.raises(NotFound, match="no running operator in any namespace"):
        await fetch_state(kube, "")
    an_operator_pod(server, ports=0)
    with pytest.raises(NotFound, match="send it SIGUSR2"):
        await fetch_state(kube, "swefoundry")
    an_operator_pod(server, "operator-2", "elsewhere")
    with pytest.raises(PermanentError, match=r"swefoundry/operator-1, elsewhere/operator-2.*--namespace"):
        await fetch_state(kube, "")


async def test_the_tables_name_who_waits_for_what(operator):
    sections = {section.title: section for section in state_sections(dump(operator))}
    assert list(sections) == [
        "Operator",
        "Queue",
        "Delayed keys",
        "Failing keys",
        "Pod places",
        "Waiting",
        "Search leaders",
        "Model usage",
        "Cache",
    ]
    assert sections["Waiting"].rows == (
        ("a place for build", str(OTHER)),
        ("the search of owner/name", str(OTHER)),
        ("a budget for models", str(OTHER)),
    )
    assert sections["Search leaders"].rows == (("here/task-one",),)
    held = ", ".join(f"here/build-{number}" for number in range(4))
    assert ("build", "4/4", 1, held, "here/build-8") in sections["Pod places"].rows
    assert ("here", 42, 7, 0, 0) in sections["Model usage"].rows
