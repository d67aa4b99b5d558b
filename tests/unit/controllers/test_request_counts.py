"""Requests of whole lifecycles: no more registry reads and API writes than before the search was gathered by `observe`.

The limits are the numbers of commit f3b3550, with the same seed, and one pod more for each valid instance.
"""

import pytest

from simulated.kubelet import Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.seeded_registry import seed_registry
from simulated.stepping_operator import SETTINGS, Simulation
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads import names
from unit.controllers.test_agents_loop import a_simulation, written
from unit.controllers.test_reuse_loop import DRAFT, Stage

LEAKS_POD_WRITES = 8
"""Its creation, finalizer and deletion, and the statuses that say that it waits, began and ended."""


def api_writes(simulation):
    return sum(not line.startswith("GET") for line in simulation.server.requests)


async def test_a_fixed_draft(server, proxy, seeded):
    server.create("taskinstances", "here", manifest())
    simulation = Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded)))
    await simulation.run()
    # Collecting a result and the step that follows from it are one write.
    assert api_writes(simulation) <= 37 + LEAKS_POD_WRITES
    assert simulation.registry_requests["GET"] <= 31


async def test_an_intakes_pod_holds_its_result_until_it_is_written(server, proxy, seeded):
    server.create("taskinstances", "here", manifest())
    await Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded))).run()
    requests = [line for line in server.requests if not line.startswith(("GET", "DELETE"))]
    released = next(line for line in requests if line.startswith("PATCH pods/task-one-intake-0-"))
    after_creation = requests[requests.index("POST envbuilds") :]
    assert "PATCH taskinstances/task-one/status" in after_creation[: after_creation.index(released)]


async def test_three_drafts_of_agents(server, proxy, seeded):
    records = {f"agent-{number}": [await written(proxy, number)] for number in range(3)}
    pods = ScriptedPods(seeded, agent_records=records, probe_codes={"after-0": 1, "before-1": 0})
    # The matrix has works of the same names, so that its `after` disagrees with the accepted probe.
    simulation = a_simulation(server, proxy, seeded, pods, spec={"validation": {"repeats": 1}})
    await simulation.run()
    assert api_writes(simulation) <= 98
    assert simulation.registry_requests["GET"] <= 41


async def test_four_instances_of_one_repository(server, proxy):
    repo = "count/number0"
    async with RegistryClient(proxy.behind, insecure=True) as registry:
        seeded = await seed_registry(registry, names.repository(SETTINGS.registry_prefix, repo))
    stage = Stage(server, proxy, seeded, repo)
    for name in ("one", "two", "three", "four"):
        stage.task(name, ("reuse", "recipe", "fixed"))
    simulation = await stage.run()
    assert api_writes(simulation) <= 182 + 4 * LEAKS_POD_WRITES
    assert simulation.registry_requests["GET"] <= 133


@pytest.mark.parametrize("budget", [{}, {"rounds": 1}])
async def test_a_search_without_an_accepted_image(server, proxy, seeded, budget):
    pods = ScriptedPods(seeded, probe_codes={"after-0": 1})
    spec = {"environment": {"strategies": ["fixed"], "draft": DRAFT}, "budget": budget}
    simulation = a_simulation(server, proxy, seeded, pods, spec=spec)
    await simulation.run()
    assert api_writes(simulation) <= 45
    assert simulation.registry_requests["GET"] <= 30
