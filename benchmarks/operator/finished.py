"""Cost of thousands of finished TaskInstances: memory, start-up time, and CPU time of other work."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from api_client import TASKS, Cluster, Json
from process import OperatorProcess

AT_ONCE = 12


@dataclass(frozen=True)
class Load:
    """Measured with so many finished objects."""

    objects: int
    ready_seconds: float
    start_cpu: float
    resident_mib: float
    most_mib: float
    cpu_per_transition: float
    """CPU seconds per new TaskInstance that gets its first status."""
    cpu_per_event: float
    """CPU seconds per change of a finished one that needs no answer."""


async def finished_ones(cluster: Cluster, namespace: str, model: Json, names: range) -> None:
    """Copies of a finished TaskInstance, the status written directly; nothing may watch the namespace."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        name = f"done-{number:05}"
        body = {
            "apiVersion": model["apiVersion"],
            "kind": model["kind"],
            "metadata": {"name": name},
            "spec": model["spec"] | {"instanceId": name},
        }
        async with gate:
            await cluster.ask("POST", TASKS.format(namespace), body, missing_ok=True)
            path = f"{TASKS.format(namespace)}/{name}/status"
            await cluster.ask("PATCH", path, {"status": model["status"]})

    await asyncio.gather(*(one(number) for number in names))


async def load(cluster: Cluster, settings: dict[str, str], objects: int, model: Json, log: Path) -> Load:
    """Start an operator beside ``objects`` finished TaskInstances and give it a little to do."""
    namespace = settings["SWEFOUNDRY_NAMESPACES"]
    operator = await OperatorProcess.start(settings, log)
    try:
        ready = await operator.ready(objects)
        await operator.calm(objects)
        start_cpu = operator.cpu_seconds()
        resident, most = operator.resident_mib()
        transition = await _per_transition(cluster, operator, namespace, model, 100)
        event = await _per_event(cluster, operator, namespace, objects, 300)
        return Load(objects, ready, start_cpu, resident, most, transition, event)
    finally:
        await operator.stop()
        gone = [
            cluster.ask("DELETE", f"{TASKS.format(namespace)}/new-{n}", missing_ok=True) for n in range(100)
        ]
        await asyncio.gather(*gone)


async def _per_transition(
    cluster: Cluster, operator: OperatorProcess, namespace: str, model: Json, count: int
) -> float:
    """New suspended TaskInstances: each is looked at and gets one status, and costs no pod."""
    cpu = operator.cpu_seconds()
    for number in range(count):
        body = {
            "apiVersion": model["apiVersion"],
            "kind": model["kind"],
            "metadata": {"name": f"new-{number}"},
            "spec": model["spec"] | {"instanceId": f"new-{number}", "suspend": True},
        }
        await cluster.ask("POST", TASKS.format(namespace), body)
    for number in range(count):
        await _has_status(cluster, f"{TASKS.format(namespace)}/new-{number}")
    await operator.calm()
    return (operator.cpu_seconds() - cpu) / count


async def _per_event(
    cluster: Cluster, operator: OperatorProcess, namespace: str, objects: int, count: int
) -> float:
    cpu = operator.cpu_seconds()
    for number in range(count):
        change = {"metadata": {"labels": {"benchmark": f"{cpu}-{number}"}}}
        await cluster.ask("PATCH", f"{TASKS.format(namespace)}/done-{number % objects:05}", change)
    await operator.calm()
    return (operator.cpu_seconds() - cpu) / count


async def _has_status(cluster: Cluster, path: str) -> None:
    # Asked of the API server, not of the operator's metrics: counting ten thousand objects would be measured, too.
    for _ in range(600):
        if (await cluster.ask("GET", path)).get("status"):
            return
        await asyncio.sleep(0.2)
    raise RuntimeError(f"{path} has got no status in two minutes")
