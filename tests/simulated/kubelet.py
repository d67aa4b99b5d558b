"""Simulated kubelet: it takes every pod and ends it with the exit code, record and log of a script.

No container runs. Simulated is what the operator observes of a kubelet: pod status, logs, and failures.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from simulated.api_server import ApiServer, Json, ObjectKey
from swefoundry.api import labels
from swefoundry.contracts.exit_codes import ExitCode

NODE = "node-1"
SOURCE_HOST = "github.com"
"""Host of sources that name none."""


@dataclass(frozen=True)
class ContainerEnd:
    """How a container ends."""

    code: int
    record: Json | None = None
    log: bytes = b""
    reason: str = "Error"
    pod: Json = field(default_factory=dict)
    """Fields of the pod's status."""


DISRUPTED = {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}

FAULTS: dict[str, ContainerEnd] = {
    "killed without a record": ContainerEnd(137),
    "evicted": ContainerEnd(
        137, pod={"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory"}
    ),
    "preempted": ContainerEnd(143, pod={"phase": "Failed", "conditions": [DISRUPTED]}),
    "unknown": ContainerEnd(137, reason="ContainerStatusUnknown"),
    "node lost": ContainerEnd(137, pod={"phase": "Failed", "reason": "NodeShutdown"}),
    "ended well without a record": ContainerEnd(0),
}
"""Ends that say nothing about the work: each is a fault of the cluster."""
REGISTRY_DOWN = "registry down"
INDEX_DOWN = "index down"
ADDRESS_DOWN = "address down"
HOST_AWAY = "host away"
INDEX_AWAY = "index away"
REGISTRY_AWAY = "registry away"
HOSTS = {HOST_AWAY: SOURCE_HOST, INDEX_AWAY: "index.example", REGISTRY_AWAY: "registry.example"}
"""The host that the record of a fault names."""
RECORDED_FAULTS = {
    HOST_AWAY: ExitCode.HOST_UNAVAILABLE,
    REGISTRY_DOWN: ExitCode.INFRASTRUCTURE,
    REGISTRY_AWAY: ExitCode.INFRASTRUCTURE,
    INDEX_DOWN: ExitCode.UPSTREAM_UNAVAILABLE,
    INDEX_AWAY: ExitCode.UPSTREAM_UNAVAILABLE,
    ADDRESS_DOWN: ExitCode.ADDRESS_UNREACHABLE,
}
"""Ends with a record that blames a service; not for evaluations, which have no network."""
LOG_LOST = "log lost"
"""A good end whose log cannot be read; for evaluations alone."""

PodScript = Callable[[Json], ContainerEnd]


@dataclass
class Kubelet:
    """Acts on the server as the scheduler, a kubelet and the garbage collector do, one small step at a time."""

    server: ApiServer
    script: PodScript
    faults: dict[str, list[str]] = field(default_factory=dict)
    """By work: faults that its first attempts end with."""

    def steps(self) -> list[Callable[[], None]]:
        """What could happen next in the cluster."""
        found: list[Callable[[], None]] = [
            lambda key=key: self._collect(key) for key in self.server.orphans()
        ]
        for body in self.server.bodies("pods"):
            step = self._step(body)
            if step is not None:
                found.append(step)
        return found

    def _collect(self, key: ObjectKey) -> None:
        self.server.delete(key)

    def _step(self, body: Json) -> Callable[[], None] | None:
        key = ("pods", body["metadata"]["namespace"], body["metadata"]["name"])
        state = state_of(body)
        if body["metadata"].get("deletionGracePeriodSeconds"):
            return lambda: self._kill(key, state)
        if "deletionTimestamp" in body["metadata"]:
            return None
        if not body["spec"].get("nodeName"):
            return lambda: self.server.set_status(key, running(), nodeName=NODE)
        if "running" in state:
            return lambda: self._end(key)
        return None

    def _kill(self, key: ObjectKey, state: Json) -> None:
        if "running" in state:
            self.server.set_status(key, terminated(ContainerEnd(143)))
        else:
            self.server.delete(key, grace=0)

    def _end(self, key: ObjectKey) -> None:
        body = self.server.get(key)
        end = self._fault_end(body) or self.script(body)
        fault = self._planned_fault(body)
        if fault != LOG_LOST:
            self.server.logs[body["metadata"]["uid"]] = end.log
        self.server.set_status(key, terminated(end))

    def _planned_fault(self, body: Json) -> str | None:
        planned = self.faults.get(body["metadata"]["labels"][labels.WORK], [])
        attempt = int(body["metadata"]["labels"][labels.ATTEMPT])
        return planned[attempt] if attempt < len(planned) else None

    def _fault_end(self, body: Json) -> ContainerEnd | None:
        fault = self._planned_fault(body)
        if fault in RECORDED_FAULTS:
            code = RECORDED_FAULTS[fault]
            record = {"v": 1, "nonce": nonce_of(body), "code": int(code), "message": fault}
            if fault in HOSTS:
                record["host"] = HOSTS[fault]
            return ContainerEnd(code, record)
        return FAULTS.get(fault or "")


def state_of(body: Json) -> Json:
    """State of a pod's container."""
    found = body["status"].get("containerStatuses", [])
    return found[0]["state"] if found else {}


def nonce_of(body: Json) -> str:
    """The nonce that a pod's record must carry."""
    return str(body["metadata"]["annotations"][labels.NONCE])


def spec_of(body: Json) -> Json:
    """What a pod was asked to do."""
    variables = {item["name"]: item["value"] for item in body["spec"]["containers"][0]["env"]}
    spec: dict[str, Any] = json.loads(
        # As the kubelet does with the values of variables.
        next(text for name, text in variables.items() if name.startswith("SWEFOUNDRY_")).replace("$$", "$")
    )
    return spec


def running() -> Json:
    """Pod status of a container that runs."""
    return {
        "phase": "Running",
        "containerStatuses": [{"state": {"running": {"startedAt": "2026-01-01T12:00:00Z"}}}],
    }


def terminated(end: ContainerEnd) -> Json:
    """Pod status of a container that ended; the phase lags, as a real one does."""
    state = {
        "exitCode": end.code,
        "reason": end.reason,
        "message": json.dumps(end.record) if end.record is not None else "",
        "startedAt": "2026-01-01T12:00:00Z",
        "finishedAt": "2026-01-01T12:00:30Z",
    }
    return {"phase": "Running", "containerStatuses": [{"state": {"terminated": state}}]} | end.pod
