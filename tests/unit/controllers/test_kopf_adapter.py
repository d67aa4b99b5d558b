"""Operator: start and stop of the workers, and the settings of kopf."""

import asyncio
import itertools

import kopf
import pytest

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from swefoundry import errors, metrics
from swefoundry.controllers.kopf_adapter import configure_kopf
from swefoundry.controllers.reflector import pauses
from swefoundry.kube.resources import TASKS
from unit.controllers.informer_inputs import a_pod, until


async def test_real_workers_bring_a_task_to_its_verdict_and_stop_on_request(operator, server, seeded):
    server.create("taskinstances", "here", manifest())
    kubelet = Kubelet(server, ScriptedPods(seeded))
    await operator.start(settings=kopf.OperatorSettings())
    while "verdict" not in server.one("taskinstances")["status"]:
        for step in kubelet.steps():
            step()
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


def test_kopf_posts_and_watches_nothing_and_retries_forever():
    settings = kopf.OperatorSettings()
    configure_kopf(settings)
    assert (settings.posting.enabled, settings.scanning.disabled, settings.peering.standalone) == (
        False,
        True,
        True,
    )
    assert list(itertools.islice(settings.networking.error_backoffs, 50)) == list(
        itertools.islice(pauses(), 50)
    )
