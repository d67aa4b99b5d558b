"""Outages of package indexes, through both real reconcilers in a simulated cluster."""

import pytest

from simulated.kubelet import ADDRESS_DOWN, INDEX_DOWN, Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import SETTINGS, Simulation
from swefoundry.api import labels

TASK = ("taskinstances", "here", "task-one")
BUILD = ("envbuilds", "here", "task-one")
PATIENT = SETTINGS.model_copy(update={"max_outage_retries": 5})


@pytest.fixture
def simulation(server, proxy, seeded):
    """A cluster with one task in it, whose operator repeats builds five times during an outage."""
    server.create("taskinstances", "here", manifest())
    return Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded)), settings=PATIENT)


def builds(simulation):
    """Work of the build pods that were created, in order."""
    return [
        body["metadata"]["labels"][labels.WORK]
        for body in simulation.server.created
        if body["kind"] == "Pod" and body["metadata"]["labels"][labels.ROLE] == "build"
    ]


def message_of(body):
    return body["status"]["conditions"][0]["message"]


async def test_an_outage_costs_no_round(simulation):
    simulation.kubelet.faults = {"build-0": [INDEX_DOWN] * 5}
    await simulation.run()
    status = simulation.server.get(BUILD)["status"]
    assert [item["outcome"] for item in status["rounds"]] == ["Accepted"]
    assert (status["infraRetries"], builds(simulation)) == (5, ["build-0"] * 6)
    assert simulation.server.get(TASK)["status"]["verdict"] == "fail2pass"


async def test_the_condition_says_what_failed_and_when_it_is_tried_again(simulation):
    shown = set()
    simulation.check = lambda: shown.update(
        message_of(body) for body in simulation.server.bodies("envbuilds") if body["status"].get("conditions")
    )
    simulation.kubelet.faults = {"build-0": [INDEX_DOWN]}
    simulation.settings = PATIENT.model_copy(update={"retry_seconds": 90})
    await simulation.run()
    (waiting,) = [text for text in shown if "Backoff" in text]
    assert "build-0: Backoff (index down; next attempt at " in waiting


async def test_an_outage_that_outlasts_the_retries_ends_without_a_round(simulation):
    simulation.kubelet.faults = {"build-0": [INDEX_DOWN] * 9}
    await simulation.run()
    body = simulation.server.get(BUILD)
    assert message_of(body) == "build-0: UpstreamUnavailable after 6 attempts: index down"
    stalled = next(item for item in body["status"]["conditions"] if item["type"] == "Stalled")
    assert (stalled["status"], stalled["reason"]) == ("True", "InfrastructureFault")
    assert [item.get("outcome") for item in body["status"]["rounds"]] == [None]
    task = simulation.server.get(TASK)
    assert (task["status"]["phase"], task["status"]["conditions"][0]["reason"]) == (
        "Failed",
        "InfrastructureFault",
    )


async def test_an_address_that_stays_unreachable_ends_the_round(simulation):
    simulation.kubelet.faults = {"build-0": [ADDRESS_DOWN] * 9}
    await simulation.run()
    body = simulation.server.get(BUILD)
    assert [item["outcome"] for item in body["status"]["rounds"]] == ["AddressUnreachable"]
    assert "AddressUnreachable: address down" in message_of(body)
    assert builds(simulation) == ["build-0"] * (SETTINGS.max_infra_retries + 1)
