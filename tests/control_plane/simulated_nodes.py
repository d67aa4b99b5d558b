"""Simulated nodes: one kubelet for all of them, which takes pods, ends them by a script and serves their logs.

It writes what a kubelet writes: the pod is accepted, its container runs, its container ended, the phase a second later,
the deletion. No container runs.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from aiohttp import web

from control_plane.api_client import PODS, Cluster, Json
from control_plane.operator_process import free_ports
from control_plane.own_control_plane import write_node
from simulated.kubelet import ContainerEnd, terminated
from swefoundry_lab import pki
from swefoundry_lab.layout import Lab

PHASE_DELAY_SECONDS = 1.0
"""A kubelet writes the phase when the pod's sandbox is gone, about so long after its container ended."""
CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady")
KILLED = ContainerEnd(143)

Script = Callable[[Json], Awaitable[ContainerEnd]]


@dataclass
class SimulatedNodes:
    """Kubelets of all nodes."""

    cluster: Cluster
    namespace: str
    script: Script
    on_pod: Callable[[Json, bool], None]
    """Called with each event of a pod, and whether it was deleted."""
    start_seconds: float
    """From the node's assignment to the container's start: image and sandbox."""
    run_seconds: float
    tasks: asyncio.TaskGroup
    logs: dict[str, bytes] = field(default_factory=dict)
    """By pod, until the pod is deleted."""
    _pods: dict[str, asyncio.Event] = field(default_factory=dict)
    """By UID: set when the pod's deletion was requested."""

    async def register(self, lab: Lab, port: int, number: int, cpus: int) -> None:
        """Create the Node objects; without the taint that new nodes get until a controller finds them ready."""
        for index in range(number):
            node = write_node(f"simulated-{index:04}", lab.address, port, cpus)
            await self.cluster.request("POST", "/api/v1/nodes", node)
            path = f"/api/v1/nodes/{node['metadata']['name']}"
            await self.cluster.request("PATCH", path, {"spec": {"taints": None}})

    async def run(self) -> None:
        """Follow the pods until cancelled."""
        async for event in self.cluster.watch(PODS.format(self.namespace)):
            self._observe(event["type"], event["object"])

    async def log(self, request: web.Request) -> web.Response:
        """A pod's log, as a kubelet serves it to the API server."""
        content = self.logs.get(request.match_info["pod"])
        return web.Response(status=404) if content is None else web.Response(body=content)

    def _observe(self, kind: str, pod: Json) -> None:
        uid = pod["metadata"]["uid"]
        self.on_pod(pod, kind == "DELETED")
        if kind == "DELETED":
            self._pods.pop(uid, None)
            self.logs.pop(pod["metadata"]["name"], None)
        elif pod["spec"].get("nodeName") and uid not in self._pods:
            self._pods[uid] = asyncio.Event()
            self.tasks.create_task(self._run_pod(pod, self._pods[uid]))
        if "deletionTimestamp" in pod["metadata"] and uid in self._pods:
            self._pods[uid].set()

    async def _run_pod(self, pod: Json, deletion: asyncio.Event) -> None:
        await self._write(pod, {"waiting": {"reason": "ContainerCreating"}}, {"phase": "Pending"})
        killed = await _wait(deletion, self.start_seconds)
        if not killed:
            started = _now()
            await self._write(pod, {"running": {"startedAt": started}}, {"phase": "Running"}, ready=True)
            killed = await _wait(deletion, self.run_seconds)
            end = KILLED if killed else await self.script(pod)
            await self._end(pod, end, started)
            await _wait(deletion, PHASE_DELAY_SECONDS)
            if not deletion.is_set():
                await self._patch(pod, {"phase": "Succeeded" if end.code == 0 else "Failed"})
        await deletion.wait()
        # The pod stays until the operator removes its finalizer.
        body = {"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}}
        await self.cluster.request("DELETE", self._path(pod), body, missing_ok=True)

    async def _end(self, pod: Json, end: ContainerEnd, started: str) -> None:
        self.logs[pod["metadata"]["name"]] = end.log
        state = terminated(end)["containerStatuses"][0]["state"]
        state["terminated"] |= {"startedAt": started, "finishedAt": _now()}
        await self._write(pod, state, {"phase": "Running"} | end.pod)

    async def _write(self, pod: Json, state: Json, fields: Json, ready: bool = False) -> None:
        container = pod["spec"]["containers"][0]
        now = _now()
        conditions = [
            {"type": kind, "status": str(ready or kind == "Initialized"), "lastTransitionTime": now}
            for kind in CONDITIONS
        ]
        scheduled = [item for item in pod["status"].get("conditions", []) if item["type"] == "PodScheduled"]
        status = {
            "startTime": pod["status"].setdefault("startTime", now),
            "hostIP": "192.0.2.1",
            "conditions": [*scheduled, *conditions],
            "containerStatuses": [
                {
                    "name": container["name"],
                    "image": container["image"],
                    "imageID": "",
                    "ready": ready,
                    "restartCount": 0,
                    "state": state,
                }
            ],
        }
        await self._patch(pod, status | fields)

    async def _patch(self, pod: Json, status: Json) -> None:
        change = {"metadata": {"uid": pod["metadata"]["uid"]}, "status": status}
        await self.cluster.request("PATCH", f"{self._path(pod)}/status", change, missing_ok=True)

    def _path(self, pod: Json) -> str:
        return f"{PODS.format(self.namespace)}/{pod['metadata']['name']}"


@asynccontextmanager
async def running_nodes(nodes: SimulatedNodes, lab: Lab, number: int, cpus: int) -> AsyncIterator[None]:
    """Register the nodes, and run their kubelet until the block ends."""
    [port] = free_ports(1)
    app = web.Application()
    app.router.add_get("/containerLogs/{namespace}/{pod}/{container}", nodes.log)
    runner = web.AppRunner(app, shutdown_timeout=1.0)  # the API server keeps its connections
    await runner.setup()
    await web.TCPSite(runner, lab.address, port, ssl_context=_serving_context(lab)).start()
    await nodes.register(lab, port, number, cpus)
    nodes.tasks.create_task(nodes.run())
    try:
        yield
    finally:
        await runner.cleanup()


def _serving_context(lab: Lab) -> ssl.SSLContext:
    identity = pki.node_identity("simulated", lab.address)
    pki.ensure_certificate(lab, identity)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(lab.pki / f"{identity.file}.crt", lab.pki / f"{identity.file}.key")
    return context


async def _wait(deletion: asyncio.Event, seconds: float) -> bool:
    """Wait for so long; return whether the pod's deletion came first."""
    try:
        await asyncio.wait_for(deletion.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
