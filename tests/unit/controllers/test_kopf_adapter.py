"""Operator: start and stop of the workers, and the settings of kopf."""

import asyncio
import itertools

import kopf
import pytest

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from swefoundry import errors, metrics
from swefoundry.api.shards import Shard
from swefoundry.controllers.kopf_adapter import MAX_WATCH_BACKOFF_SECONDS, UnlimitedBackoff, configure_kopf
from swefoundry.kube.resources import TASKS
from unit.controllers.informer_inputs import a_pod, send_event


async def until(condition):
    while not condition():  # noqa: ASYNC110 - what is waited for is on the other side of a connection
        await asyncio.sleep(0.005)


async def test_real_workers_bring_a_task_to_its_verdict_and_stop_on_request(operator, server, seeded):
    server.create("taskinstances", "here", manifest())
    kubelet = Kubelet(server, ScriptedPods(seeded))
    await operator.start(settings=kopf.OperatorSettings())
    delivered = 0
    while "verdict" not in server.one("taskinstances")["status"]:
        for step in kubelet.steps():
            step()
        while delivered < len(server.changes):
            change = server.changes[delivered]
            delivered += 1
            if change["object"]["kind"] != "Event":
                await send_event(operator, change["object"], change["type"])
        await asyncio.sleep(0.01)
    assert (await operator.healthz())["watchSeconds"] >= 0
    await operator.stop()
    assert all(task.done() for task in operator._tasks)
    with pytest.raises(errors.SwefoundryError, match="internal tasks have ended"):
        await operator.healthz()
    names = [body["metadata"]["name"] for body in server.created if body["kind"] == "Pod"]
    assert len(names) == len(set(names)) == 8
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
    configure_kopf(settings, Shard())
    assert (settings.posting.enabled, settings.scanning.disabled, settings.peering.standalone) == (
        False,
        True,
        True,
    )
    pauses = list(itertools.islice(UnlimitedBackoff(), 50))
    assert pauses == sorted(pauses) and pauses[-1] == MAX_WATCH_BACKOFF_SECONDS


def test_the_api_server_filters_all_three_watches_of_a_shard():
    settings = kopf.OperatorSettings()
    configure_kopf(settings, Shard(1, 64))
    own = "swefoundry.dev/bucket in (1)"
    selectors = settings.watching.label_selectors
    assert {(key.group, key.version, key.any_name): text for key, text in selectors.items()} == {
        ("swefoundry.dev", "v1alpha1", "taskinstances"): own,
        ("swefoundry.dev", "v1alpha1", "envbuilds"): own,
        ("", "v1", "pods"): f"app.kubernetes.io/managed-by=swefoundry,{own}",
    }
