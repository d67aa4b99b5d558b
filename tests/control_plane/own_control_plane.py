"""A control plane of its own: the lab's etcd, API server, scheduler and registry, in a new folder and on free ports.

There is no controller manager: nothing here is garbage-collected, and simulated nodes send no heartbeats.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import yaml
from rich.console import Console

from control_plane.api_client import TASKS, Cluster, Json
from control_plane.operator_process import free_ports
from swefoundry_lab import cgroups, controlplane, daemons, up
from swefoundry_lab.layout import Lab, Ports
from swefoundry_lab.steps import Steps

ROOT = Path(__file__).parents[2]
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"


@contextmanager
def running_control_plane() -> Iterator[Lab]:
    """Start everything with the programs of the machine's lab; stop it at the end and delete its state."""
    with tempfile.TemporaryDirectory(prefix="swefoundry-control-plane-") as folder:
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
            leave_the_group_of_the_lab(plane)
            yield plane
        finally:
            for name in daemons.recorded_daemons(plane):  # nothing of it is used again
                daemons.kill(plane, name)


def leave_the_group_of_the_lab(plane: Lab) -> None:
    """Move the programs out of the lab's control group: `make lab-down` ends every process in it."""
    for name in daemons.recorded_daemons(plane):
        if record := daemons.read_record(plane, name):
            (cgroups.tracking_folder("") / "cgroup.procs").write_text(str(record.pid))


async def prepare_namespace(cluster: Cluster, namespace: str) -> None:
    """Create the definitions of our kinds, and a namespace."""
    for path in sorted((ROOT / "crds").glob("*.yaml")):
        await cluster.request("POST", DEFINITIONS, yaml.safe_load(path.read_text()))
    await create_namespace(cluster, namespace)
    # A new definition is served after a moment.
    for _ in range(300):
        if await cluster.request("GET", TASKS.format(namespace), missing_ok=True):
            break
        await asyncio.sleep(0.2)


async def create_namespace(cluster: Cluster, name: str) -> None:
    """Create a namespace, and the account that a controller would create in it."""
    await cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    account = {"metadata": {"name": "default"}}
    await cluster.request("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)


def operator_settings(lab: Lab, namespace: str, limits: dict[str, int]) -> dict[str, str]:
    """Settings of the operator: its own limits of API requests would otherwise decide the time."""
    active = {f"SWEFOUNDRY_MAX_ACTIVE_{role.upper()}": str(number) for role, number in limits.items()}
    return active | {
        "SWEFOUNDRY_NAMESPACES": namespace,
        "SWEFOUNDRY_REGISTRY_PUSH": f"127.0.0.1:{lab.ports.registry}",
        "SWEFOUNDRY_REGISTRY_INSECURE": "true",
        "SWEFOUNDRY_SERVICE_ACCOUNT": "",
        "SWEFOUNDRY_CANARY": f"127.0.0.1:{lab.ports.api}",
        "SWEFOUNDRY_MAX_UNPLACED": "100",
        "SWEFOUNDRY_RETRY_SECONDS": "1",
        "SWEFOUNDRY_API_QPS": "1000",
        "SWEFOUNDRY_API_BURST": "1000",
        "SWEFOUNDRY_DELETE_QPS": "1000",
    }


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


class BlockEnded(Exception):
    """Ends the tasks of a group."""


@asynccontextmanager
async def cancelled_tasks() -> AsyncIterator[asyncio.TaskGroup]:
    """A group whose tasks are cancelled when the block ends; a task that fails ends the block."""

    async def end() -> None:
        raise BlockEnded

    try:
        async with asyncio.TaskGroup() as group:
            yield group
            group.create_task(end())
    except* BlockEnded:
        pass
