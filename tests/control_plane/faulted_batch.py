"""A batch of TaskInstances on a control plane of its own, with what a test of its faults needs: state and audits."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from control_plane.api_client import BUILDS, PODS, TASKS, Cluster, Json
from control_plane.etcd_history import PodCreations
from control_plane.operator_process import OperatorProcess
from control_plane.outcomes import Outcomes
from control_plane.own_control_plane import (
    cancelled_tasks,
    leave_the_group_of_the_lab,
    operator_settings,
    prepare_namespace,
    running_control_plane,
)
from control_plane.simulated_nodes import SimulatedNodes, running_nodes
from simulated.scripted_pods import manifest
from swefoundry.api import labels
from swefoundry.oci.registry_client import RegistryClient
from swefoundry_lab import controlplane, daemons, pki, up
from swefoundry_lab.controlplane import kubeconfig
from swefoundry_lab.layout import Lab
from swefoundry_lab.steps import Steps

NAMESPACE = "faults"
OPERATOR = pki.Identity("operator", "swefoundry-operator")
"""The operator's own user: administrators are exempt from the API server's limits."""
PLACES = {"evaluation": 12, "intake": 6, "build": 6, "agent": 1}
NODES, CPUS = 4, 16
START_SECONDS, RUN_SECONDS = 0.2, 0.6
REJECTED = 0.25
RETRY_SECONDS = 120.0
"""For how long the simulated nodes and the test itself repeat a request."""
WAIT_SECONDS = 240.0
"""Bound of each wait; many times what it takes."""
POLL_SECONDS = 0.5

T = TypeVar("T")

VALIDATED = ("Validated", "fail2pass", "Fail2Pass")
FAIL2FAIL = ("Rejected", "fail2fail", "Fail2Fail")


@dataclass
class PodRuns:
    """The pods that the nodes observed, by the work that they are for."""

    uids: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """By instance, kind of the owner, work and attempt: "task-1 envbuild build-0 0"."""

    def observe(self, pod: Json, deleted: bool) -> None:
        """Note one pod."""
        tags = pod["metadata"]["labels"]
        names = (labels.OWNER, labels.OWNER_KIND, labels.WORK, labels.ATTEMPT)
        self.uids[" ".join(tags[name] for name in names)].add(pod["metadata"]["uid"])


@dataclass
class FaultyCluster:
    """The control plane whose parts a test ends, and everything that runs on it."""

    plane: Lab
    cluster: Cluster
    """With the rights of an administrator."""
    operator: OperatorProcess
    operator_kubeconfig: Path
    script: Outcomes
    runs: PodRuns
    creations: PodCreations

    def start_etcd(self) -> None:
        """Start etcd again."""
        daemons.ensure(self.plane, controlplane.etcd(self.plane))
        leave_the_group_of_the_lab(self.plane)

    def start_api_server(self) -> None:
        """Start the API server again, and wait until it is ready."""
        up.start_api_server(self.plane, Steps.quiet())
        leave_the_group_of_the_lab(self.plane)

    @property
    def etcd_url(self) -> str:
        return f"http://127.0.0.1:{self.plane.ports.etcd}"

    async def create(self, prefix: str, number: int) -> list[str]:
        """Create so many TaskInstances; their names."""
        names = [f"{prefix}-{index}" for index in range(number)]
        for name in names:
            validation = {"repeats": 1, "minRepeats": 1, "controls": []}
            body = manifest(name, repo=f"owner/{name}", instanceId=f"owner__{name}-1", validation=validation)
            await self.cluster.request("POST", TASKS.format(NAMESPACE), body, missing_ok=True)
        return names

    def expected(self, names: list[str]) -> dict[str, tuple[str, str, str]]:
        """The verdicts that the script of the simulated pods leads to."""
        return {name: FAIL2FAIL if self.script.rejects(name) else VALIDATED for name in names}

    async def items(self, path: str) -> list[Json]:
        return list((await self.cluster.request("GET", path.format(NAMESPACE)))["items"])

    async def statuses(self) -> dict[str, Json]:
        """Status of each TaskInstance."""
        return {item["metadata"]["name"]: item.get("status", {}) for item in await self.items(TASKS)}

    async def wait_until(self, what: str, condition: Callable[[dict[str, Json], list[Json]], bool]) -> None:
        """Wait until the condition holds for the statuses of TaskInstances and the pods."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                while not condition(await self.statuses(), await self.items(PODS)):
                    code = self.operator.process.returncode
                    assert code is None, self.describe(f"the operator ended with {code}")
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            state = {name: _brief(status) for name, status in (await self.statuses()).items()}
            pods = {pod["metadata"]["name"]: pod["status"] for pod in await self.items(PODS)}
            text = json.dumps({"instances": state, "pods": pods}, indent=1)
            raise AssertionError(self.describe(f"{what}: not within {WAIT_SECONDS:.0f} s\n{text}")) from None

    def log_text(self, start: int = 0) -> str:
        """The operator's log from this character on."""
        return Path(str(self.operator.log.name)).read_text(errors="replace")[start:]

    async def wait_for_runs(self, number: int) -> None:
        """Wait until the nodes observed so many pods more."""
        enough = len(self.runs.uids) + number
        await self.wait_until(f"{number} more pods", lambda *_: len(self.runs.uids) >= enough)

    async def delete_everything(self) -> None:
        """Delete all TaskInstances and EnvBuilds: no garbage collector runs here."""
        for path in (TASKS, BUILDS):
            for item in await self.items(path):
                name = item["metadata"]["name"]
                await self.cluster.request("DELETE", f"{path.format(NAMESPACE)}/{name}", missing_ok=True)

    def describe(self, problem: str) -> str:
        """The problem with the end of the operator's log."""
        lines = self.log_text().splitlines()[-40:]
        return "\n".join([problem, "The end of the operator's log:", *lines])


def _brief(status: Json) -> Json:
    ready = [item.get("message") for item in status.get("conditions", []) if item["type"] == "Ready"]
    return {"phase": status.get("phase"), "ready": ready, "attempts": status.get("attempts")}


@asynccontextmanager
async def held_by_one_task(context: AbstractAsyncContextManager[T]) -> AsyncIterator[T]:
    """Open and close a context in one task, for a fixture: a group of tasks belongs to the task that opened it."""
    started: asyncio.Future[T] = asyncio.get_running_loop().create_future()
    ended = asyncio.Event()

    async def hold() -> None:
        async with context as running:
            started.set_result(running)
            await ended.wait()

    holder = asyncio.create_task(hold())
    await asyncio.wait({started, holder}, return_when=asyncio.FIRST_COMPLETED)
    if holder.done():
        holder.result()
    yield started.result()
    ended.set()
    await holder


@asynccontextmanager
async def faulty_cluster(
    log: Path, more_settings: Mapping[str, str] = MappingProxyType({}), run_seconds: float = RUN_SECONDS
) -> AsyncIterator[FaultyCluster]:
    """Start everything; stop it when the block ends. A simulated node that fails ends the block."""
    async with AsyncExitStack() as stack:
        plane = stack.enter_context(running_control_plane())
        cluster = await Cluster.connect(plane.kubeconfig, RETRY_SECONDS)
        stack.push_async_callback(cluster.close)
        await prepare_namespace(cluster, NAMESPACE)
        registry = await stack.enter_async_context(
            RegistryClient(f"127.0.0.1:{plane.ports.registry}", insecure=True, retry_seconds=120)
        )
        script, runs = Outcomes(registry, faults=0, rejected=REJECTED), PodRuns()
        tasks = await stack.enter_async_context(cancelled_tasks())
        nodes = SimulatedNodes(cluster, NAMESPACE, script, runs.observe, START_SECONDS, run_seconds, tasks)
        await stack.enter_async_context(running_nodes(nodes, plane, NODES, CPUS))
        creations = PodCreations(f"http://127.0.0.1:{plane.ports.etcd}", NAMESPACE)
        tasks.create_task(creations.follow())
        config = await prepare_operator_user(plane, cluster)
        settings = operator_settings(plane, NAMESPACE, PLACES) | {"KUBECONFIG": str(config), **more_settings}
        operator = await OperatorProcess.start(settings, log)
        stack.push_async_callback(operator.stop)
        stack.push_async_callback(operator.kill)  # it has nothing to finish here
        await operator.wait_until_ready(0)
        yield FaultyCluster(plane, cluster, operator, config, script, runs, creations)


async def prepare_operator_user(plane: Lab, cluster: Cluster) -> Path:
    """Create the operator's certificate and give it all rights; its kubeconfig."""
    pki.ensure_certificate(plane, OPERATOR)
    config = kubeconfig(plane, OPERATOR.file)
    pki.write_kubeconfig(plane, config, OPERATOR)
    binding = {
        "metadata": {"name": OPERATOR.user},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": OPERATOR.user}],
    }
    path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
    await cluster.request("POST", path, binding, missing_ok=True)
    return config
