"""A control plane of its own: the lab's etcd, API server, scheduler and registry, in a new folder and on free ports.

There is no controller manager: nothing here is garbage-collected, and simulated nodes send no heartbeats.
"""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from api_client import TASKS, Cluster, Json
from process import free_ports
from rich.console import Console

from swefoundry_lab import controlplane, daemons, up
from swefoundry_lab.layout import Lab, Ports
from swefoundry_lab.steps import Steps

ROOT = Path(__file__).parents[2]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def running_control_plane() -> Iterator[Lab]:
    """Start everything with the programs of the machine's lab; stop it at the end and delete its state."""
    with tempfile.TemporaryDirectory(prefix="swefoundry-scale-") as folder:
        plane = Lab(Path(folder), Ports(*free_ports(5)))
        plane.root.chmod(0o755)
        plane.bin.symlink_to(Lab.from_environment().bin)
        plane.prepare()
        try:
            steps = Steps(Console())
            up.configure(plane)
            up.start_registry(plane, steps)
            up.start_api_server(plane, steps)
            daemons.ensure(plane, controlplane.scheduler(plane))
            yield plane
        finally:
            daemons.stop(plane, *daemons.recorded_daemons(plane))


async def prepare_namespace(cluster: Cluster, namespace: str) -> None:
    """Create the definitions of our kinds, a namespace, and the account that a controller would create in it."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        await cluster.request("POST", DEFINITIONS, yaml.safe_load(path.read_text()))
    await cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    account = {"metadata": {"name": "default"}}
    await cluster.request("POST", f"/api/v1/namespaces/{namespace}/serviceaccounts", account)
    # A new definition is served after a moment.
    for _ in range(300):
        if await cluster.request("GET", TASKS.format(namespace), missing_ok=True):
            break
        await asyncio.sleep(0.2)


async def etcd_mebibytes(cluster: Cluster) -> float:
    """Size of etcd's database that is in use, as the API server reports it."""
    text = await cluster.text("/metrics")
    sizes = [
        line.split()[-1] for line in text.splitlines() if line.startswith("apiserver_storage_size_bytes")
    ]
    return sum(float(size) for size in sizes) / 2**20


def write_node(name: str, address: str, port: int, cpus: int) -> Json:
    """A Ready node with room; its kubelet's address is the simulated kubelet's."""
    room = {"cpu": str(cpus), "memory": f"{4 * cpus}Gi", "ephemeral-storage": "2Ti", "pods": "110"}
    return {
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
        "status": {
            "capacity": room,
            "allocatable": room,
            "addresses": [{"type": "InternalIP", "address": address}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
            "conditions": [{"type": "Ready", "status": "True", "reason": "KubeletReady"}],
        },
    }
