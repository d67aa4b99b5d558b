"""Requests of the pods of whole instances, before and after something was measured."""

from dataclasses import dataclass, field

from simulated.api_server import Json
from simulated.kubelet import ContainerEnd, Kubelet
from simulated.scripted_pods import ScriptedPods, manifest
from simulated.stepping_operator import SETTINGS, Simulation
from swefoundry.api import labels
from swefoundry.workloads import names

FIRST = ("250m", "512Mi", "2Gi")
MEASURED = ("100m", "128Mi", "2Gi")
USED = {"cpuSeconds": 0.06, "peakMemoryBytes": 70 << 20}


@dataclass
class WatchedPods(ScriptedPods):
    """Keeps the size of each evaluation's pod: requested CPU, requested memory, memory limit."""

    sizes: dict[str, set[tuple[str, str, str]]] = field(default_factory=dict)

    def __call__(self, pod: Json) -> ContainerEnd:
        tags, resources = pod["metadata"]["labels"], pod["spec"]["containers"][0]["resources"]
        if tags[labels.ROLE] == "evaluation":
            requests, limits = resources["requests"], resources["limits"]
            self.sizes.setdefault(f"{tags[labels.OWNER_KIND]} {tags[labels.OWNER]}", set()).add(
                (requests["cpu"], requests["memory"], limits["memory"])
            )
        return super().__call__(pod)


async def test_the_matrix_and_the_next_instance_request_what_was_measured_and_limits_stay(
    server, proxy, seeded
):
    pods = WatchedPods(seeded, measured=USED)
    for name in ("one", "two"):  # each with an operator that was just started
        server.create("taskinstances", "here", manifest(name))
        await Simulation(server, proxy, Kubelet(server, pods)).run()
    assert pods.sizes == {
        "envbuild one": {FIRST},
        "taskinstance one": {MEASURED},
        "envbuild two": {MEASURED},
        "taskinstance two": {MEASURED},
    }


async def test_what_probes_used_is_known_as_soon_as_the_status_has_it(server, proxy, seeded):
    """A TaskInstance may create its pods before the next reconcile of the EnvBuild that it follows."""
    server.create("taskinstances", "here", manifest("one"))
    simulation = Simulation(server, proxy, Kubelet(server, WatchedPods(seeded, measured=USED)))
    known: set[bool] = set()

    def check() -> None:
        history = simulation.context.usage_history
        for build in server.bodies("envbuilds"):
            repository = names.repository(SETTINGS.registry_prefix, build["spec"]["repo"])
            for item in build.get("status", {}).get("rounds", []):
                if item.get("probes"):
                    known.add(history.of_image(repository, item["image"]) is not None)

    simulation.check = check
    await simulation.run()
    assert known == {True}


async def test_without_measurements_every_pod_gets_the_first_guess(server, proxy, seeded):
    pods = WatchedPods(seeded)
    server.create("taskinstances", "here", manifest("one"))
    await Simulation(server, proxy, Kubelet(server, pods)).run()
    assert pods.sizes == {"envbuild one": {FIRST}, "taskinstance one": {FIRST}}
