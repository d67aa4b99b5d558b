"""Memory, start-up time and CPU time of the operator with thousands of finished TaskInstances."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from control_plane.api_client import TASKS, Cluster, Json
from control_plane.operator_process import OperatorProcess

CONCURRENT_REQUESTS = 12


@dataclass(frozen=True)
class Measurement:
    """Results with a number of finished objects."""

    objects: int
    ready_seconds: float
    start_cpu: float
    resident_mib: float
    peak_mib: float
    cpu_per_transition: float
    """CPU seconds per new TaskInstance that gets its first status."""
    cpu_per_event: float
    """CPU seconds per change of a finished TaskInstance that needs no action."""


async def create_finished(cluster: Cluster, namespace: str, template: Json, names: range) -> None:
    """Create copies of a finished TaskInstance with its status. No operator may watch the namespace meanwhile."""
    limit = asyncio.Semaphore(CONCURRENT_REQUESTS)

    async def create(number: int) -> None:
        name = f"done-{number:05}"
        body = {
            "apiVersion": template["apiVersion"],
            "kind": template["kind"],
            "metadata": {"name": name},
            "spec": template["spec"] | {"instanceId": name},
        }
        async with limit:
            await cluster.request("POST", TASKS.format(namespace), body, missing_ok=True)
            path = f"{TASKS.format(namespace)}/{name}/status"
            await cluster.request("PATCH", path, {"status": template["status"]})

    await asyncio.gather(*(create(number) for number in names))


async def measure_with_finished(
    cluster: Cluster, settings: dict[str, str], objects: int, template: Json, log: Path
) -> Measurement:
    """Start an operator in a namespace with ``objects`` finished TaskInstances, and measure transitions and events."""
    namespace = settings["SWEFOUNDRY_NAMESPACES"]
    operator = await OperatorProcess.start(settings, log)
    try:
        ready = await operator.wait_until_ready(objects)
        await operator.wait_until_idle()
        start_cpu = operator.cpu_seconds()
        resident, peak = operator.resident_mib()
        transition = await _per_transition(cluster, operator, namespace, template, 100)
        event = await _per_event(cluster, operator, namespace, objects, 300)
        return Measurement(objects, ready, start_cpu, resident, peak, transition, event)
    finally:
        await operator.stop()
        deletions = [
            cluster.request("DELETE", f"{TASKS.format(namespace)}/new-{n}", missing_ok=True)
            for n in range(100)
        ]
        await asyncio.gather(*deletions)


async def _per_transition(
    cluster: Cluster, operator: OperatorProcess, namespace: str, template: Json, count: int
) -> float:
    """Create suspended TaskInstances, each of which gets one status and no pod."""
    cpu = operator.cpu_seconds()
    for number in range(count):
        body = {
            "apiVersion": template["apiVersion"],
            "kind": template["kind"],
            "metadata": {"name": f"new-{number}"},
            "spec": template["spec"] | {"instanceId": f"new-{number}", "suspend": True},
        }
        await cluster.request("POST", TASKS.format(namespace), body)
    for number in range(count):
        await _has_status(cluster, f"{TASKS.format(namespace)}/new-{number}")
    await operator.wait_until_idle()
    return (operator.cpu_seconds() - cpu) / count


async def _per_event(
    cluster: Cluster, operator: OperatorProcess, namespace: str, objects: int, count: int
) -> float:
    cpu = operator.cpu_seconds()
    for number in range(count):
        change = {"metadata": {"labels": {"benchmark": f"{cpu}-{number}"}}}
        await cluster.request("PATCH", f"{TASKS.format(namespace)}/done-{number % objects:05}", change)
    await operator.wait_until_idle()
    return (operator.cpu_seconds() - cpu) / count


async def _has_status(cluster: Cluster, path: str) -> None:
    # From the API server, because the operator's metrics endpoint counts all objects, which takes CPU time itself.
    for _ in range(600):
        if (await cluster.request("GET", path)).get("status"):
            return
        await asyncio.sleep(0.2)
    raise RuntimeError(f"{path} has no status after two minutes")
