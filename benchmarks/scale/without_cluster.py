"""`python benchmarks/scale/without_cluster.py [CHECKOUT]`: the operator's costs per instance on a simulated API server.

Needs the program docker-registry, and no cluster. The instances are of one repository, seven pods each. CHECKOUT is the
folder of another commit, so that two can be compared in turns: CPU times depend on what else the machine does.
"""

import asyncio
import json
import sys
import tempfile
import time
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2])
sys.path[:0] = [str(ROOT / part) for part in ("operator", "tests")]

import simulated.stepping_operator  # noqa: E402
from simulated.api_server import ApiServer, running_api_server  # noqa: E402
from simulated.kubelet import Kubelet  # noqa: E402
from simulated.scripted_pods import ScriptedPods, manifest  # noqa: E402
from simulated.seeded_registry import REPOSITORY, running_proxy, seed_registry  # noqa: E402
from simulated.stepping_operator import Simulation  # noqa: E402
from swefoundry.kube.cache import strip_unused  # noqa: E402
from swefoundry.oci.registry_client import RegistryClient  # noqa: E402
from swefoundry.oci.registry_transport import RegistryTransport  # noqa: E402
from unit.oci import registry_server  # noqa: E402

INSTANCES = 8
COPIES = 300
PATCH = "".join(f"+    return compute_the_value(argument, line={line})\n" for line in range(60))
VALIDATION = {"repeats": 1, "minRepeats": 1, "controls": []}


def main() -> None:
    """Print the measures as JSON."""
    # The transport of the operator's process.
    simulated.stepping_operator.RegistryClient = partial(RegistryClient, transport=RegistryTransport)  # type: ignore[misc, assignment]
    with tempfile.TemporaryDirectory() as folder, registry_server.serving(Path(folder)) as registry:
        print(json.dumps(asyncio.run(measure(registry.host)), indent=1))


async def measure(host: str) -> dict[str, Any]:
    """Run all instances to their verdicts."""
    async with running_api_server() as server, running_proxy(host) as proxy:
        async with RegistryClient(host, insecure=True) as registry:
            seeded = await seed_registry(registry, REPOSITORY)
        for number in range(INSTANCES):
            patches = {"goldPatch": {"inline": f"gold\n{PATCH}"}, "testPatch": {"inline": f"test\n{PATCH}"}}
            server.create(
                "taskinstances", "here", manifest(f"task-{number}", validation=VALIDATION, **patches)
            )
        pods: list[str] = []
        note_pods(server, pods)
        simulation = Simulation(server, proxy, Kubelet(server, ScriptedPods(seeded)))
        started = time.process_time()
        await simulation.run()
        spent = time.process_time() - started
        return {
            # With the simulated API server, which is in this process.
            "cpuSeconds": round(spent / INSTANCES, 3),
            "registryRequests": round(simulation.registry_requests.total() / INSTANCES, 1),
            "reconciles": round(len(simulation.reconciles) / INSTANCES, 1),
            "writes": round(sum(not line.startswith("GET") for line in server.requests) / INSTANCES, 1),
            "cachedKiB": {
                "TaskInstance": cached_kib(json.dumps(server.bodies("taskinstances")[0])),
                "EnvBuild": cached_kib(json.dumps(server.bodies("envbuilds")[0])),
                "Pod": cached_kib(max(pods, key=len)),
            },
        }


def note_pods(server: ApiServer, pods: list[str]) -> None:
    """Keep the text of each new pod; ended pods are deleted."""
    create = server.create

    def noting(plural: str, namespace: str, body: Any) -> Any:
        created = create(plural, namespace, body)
        if plural == "pods":
            pods.append(json.dumps(created))
        return created

    server.create = noting  # type: ignore[method-assign]


def cached_kib(text: str) -> float:
    """Memory of one object in the cache, among many equal ones that were parsed one by one."""
    tracemalloc.start()
    kept = [strip_unused(json.loads(text)) for _ in range(COPIES)]
    size = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return round(size / len(kept) / 1024, 1)


if __name__ == "__main__":
    main()
