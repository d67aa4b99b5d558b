"""Batches on a simulated node that fits one pod: the order of their ends, and pods that fit nowhere."""

from dataclasses import dataclass

import pytest

from simulated.kubelet import Kubelet, state_of
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import POD_LIMITS, Simulation
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.pod_limiter import PlaceLimits

REFUSED = {
    "phase": "Pending",
    "conditions": [
        {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes fit"}
    ],
}


@dataclass
class SmallNode(Kubelet):
    """A node that fits one pod at a time, and none of the instance ``too_big`` once its source is taken in."""

    too_big: str = ""

    def _step(self, body):
        if body["spec"].get("nodeName") or "deletionTimestamp" in body["metadata"]:
            return super()._step(body)
        if not self._fits(body):
            name = body["metadata"]["name"]
            refused = body["status"].get("conditions") == REFUSED["conditions"]
            return None if refused else lambda: self.server.set_status(("pods", "here", name), REFUSED)
        return super()._step(body)

    def _fits(self, body):
        if self.too_big and body["metadata"]["name"].startswith(f"{self.too_big}-before"):
            return False
        bound = [pod for pod in self.server.bodies("pods") if pod["spec"].get("nodeName")]
        return all("terminated" in state_of(pod) for pod in bound)


def a_batch(server, proxy, seeded, seed, **node):
    for number in range(4):
        server.create("taskinstances", "here", manifest(f"task-{number}", instanceId=f"owner__name-{number}"))
    return Simulation(server, proxy, SmallNode(server, ScriptedPods(seeded), **node), seed)


def record_ends(simulation):
    """The names of the instances in the order in which they end."""
    ends = []

    def check():
        for body in simulation.server.bodies("taskinstances"):
            name = body["metadata"]["name"]
            if "finishedAt" in body.get("status", {}) and name not in ends:
                ends.append(name)

    simulation.check = check
    return ends


def record_builds_that_began(simulation):
    """Phase and message of each EnvBuild when its first round was written."""
    shown = {}

    def check():
        for body in simulation.server.bodies("envbuilds"):
            status = body.get("status", {})
            if status.get("rounds"):
                [ready] = [item for item in status["conditions"] if item["type"] == "Ready"]
                shown.setdefault(body["metadata"]["name"], (status["phase"], ready["message"]))

    simulation.check = check
    return shown


@pytest.mark.parametrize("seed", range(3))
async def test_a_node_that_fits_one_pod_ends_all_instances_in_the_order_of_their_creation(
    server, proxy, seeded, seed
):
    simulation = a_batch(server, proxy, seeded, seed)
    simulation.place_limits = PlaceLimits(POD_LIMITS, total=1, unplaced=1)
    ends = record_ends(simulation)
    await simulation.run()
    assert ends == ["task-0", "task-1", "task-2", "task-3"]


async def test_a_round_whose_build_finds_no_free_place_begins_as_queued(server, proxy, seeded):
    simulation = a_batch(server, proxy, seeded, seed=0)
    simulation.place_limits = PlaceLimits(POD_LIMITS, total=1, unplaced=1)
    shown = record_builds_that_began(simulation)
    await simulation.run()
    assert len(shown) == 4
    queued = [message for phase, message in shown.values() if phase == "Queued"]
    assert queued
    assert all("waiting for a build place" in message for message in queued), queued


@pytest.mark.parametrize("seed", range(3))
async def test_no_more_pods_than_allowed_are_without_a_node(server, proxy, seeded, seed):
    simulation = a_batch(server, proxy, seeded, seed)
    simulation.place_limits = PlaceLimits(POD_LIMITS, unplaced=2)
    ends = record_ends(simulation)
    count_ends = simulation.check

    def check():
        count_ends()
        for role in Role:
            unbound = [
                pod
                for pod in server.bodies("pods")
                if not pod["spec"].get("nodeName")
                and pod["metadata"]["labels"]["swefoundry.dev/role"] == role
            ]
            assert len(unbound) <= 2

    simulation.check = check
    await simulation.run()
    assert sorted(ends) == ["task-0", "task-1", "task-2", "task-3"]


async def test_a_pod_that_fits_nowhere_holds_back_no_other_instance(server, proxy, seeded):
    simulation = a_batch(server, proxy, seeded, 0, too_big="task-0")
    ends = record_ends(simulation)
    await simulation.run()
    assert sorted(ends) == ["task-1", "task-2", "task-3"]
