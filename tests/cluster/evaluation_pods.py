"""Evaluation pods created without the operator, from the product's own code for stage images and pods."""

import asyncio
import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from cluster.commands import kubectl
from cluster.sample_instances import TIMEOUT_SECONDS
from swefoundry.api.codegen.crds import ROOT
from swefoundry.api.types import Validation
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import EvaluationSpec
from swefoundry.oci.deterministic_tar import RegularFile
from swefoundry.oci.overlays import StageChanges, stage_layer
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.stage_images import compose_stage
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.evaluation.log_frames import SplitLog, split_log
from swefoundry.workloads.evaluation.pod import EvaluationRun, evaluation_pod
from swefoundry.workloads.pod_outcomes import PodState
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod

Json = dict[str, Any]

HOST_REGISTRY = "127.0.0.1:5000"
NODE_REGISTRY = "registry.lab:5000"
BASE, TAG = "library/python", "3.11-slim"
REPOSITORY = "swefoundry-tests/runner"
NONCE = "6b8f0c1d2e3f405162738495a6b7c8d9"
CAPTURES = ROOT / "tests" / "fixtures" / "pods"
CAPTURING = bool(os.environ.get("SWEFOUNDRY_CAPTURE_PODS"))
"""Set the variable to write the pods that the cluster returns to the fixtures of the unit tests."""


def push_stage_image(folder: Path) -> str:
    """Build the runner in the folder and push python:3.11-slim with it on top; return the name with the digest."""
    binary = folder / "runner"
    subprocess.run(["make", "-s", "-C", ROOT / "images" / "runner", f"OUTPUT={binary}"], check=True)
    return f"{NODE_REGISTRY}/{REPOSITORY}@{asyncio.run(_push(binary.read_bytes()))}"


async def _push(runner: bytes) -> Digest:
    data, layer = stage_layer(
        StageChanges(replaced=(b"README",)), {b"README": RegularFile(b"tests\n")}, runner
    )
    async with RegistryClient(HOST_REGISTRY, insecure=True) as registry:
        base = await registry.get_manifest(BASE, TAG)
        for blob in (base.content["config"], *base.content["layers"]):
            await _mount(blob["digest"])
        image = await registry.put_manifest(REPOSITORY, base.content, base.media_type, "base")
        await registry.put_blob(REPOSITORY, data)
        return await compose_stage(registry, REPOSITORY, image, layer, "stage")


async def _mount(digest: str) -> None:
    async with httpx.AsyncClient(base_url=f"http://{HOST_REGISTRY}") as client:
        response = await client.post(
            f"/v2/{REPOSITORY}/blobs/uploads/", params={"mount": digest, "from": BASE}
        )
        assert response.status_code == 201, response.text


@dataclass(frozen=True)
class PodCase:
    """Command and settings of one pod."""

    command: str = "true"
    spec: Mapping[str, Any] = field(default_factory=dict)
    memory: str = "256Mi"
    change: Callable[[Json], object] = lambda pod: None
    """Applied to the finished pod."""


def case_pod(name: str, namespace: str, image: str, case: PodCase) -> Json:
    """The product's evaluation pod with this name and without an owner."""
    attempt = AttemptRef(Owner("EnvBuild", namespace, name, "0" * 8), Role.EVALUATION, "before-0", 0, NONCE)
    spec = EvaluationSpec(
        **{"nonce": NONCE, "stage": "before", "command": case.command, "timeout_seconds": 300, **case.spec}
    )
    validation = Validation.model_validate({"resources": {"cpu": "10m", "memory": case.memory}})
    pod = evaluation_pod(attempt, EvaluationRun(image, spec, validation), Settings(service_account=""))
    del pod["metadata"]["ownerReferences"]
    pod["metadata"]["name"] = name
    case.change(pod)
    return pod


def create(*pods: Json) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(pods)}))


def get(namespace: str, name: str) -> Json:
    return dict(json.loads(kubectl("get", "pod", name, "-n", namespace, "-o", "json")))


def state(pod: Json) -> Json:
    """The container's state, empty before there is one."""
    statuses = pod["status"].get("containerStatuses") or [{}]
    return dict(statuses[0].get("state", {}))


def is_terminated(pod: Json) -> bool:
    return "terminated" in state(pod)


def wait_until(
    namespace: str, name: str, accept: Callable[[Json], object], seconds: float = TIMEOUT_SECONDS
) -> Json:
    """Poll until `accept` is true for the pod; return the pod."""
    deadline = time.monotonic() + seconds
    while not accept(pod := get(namespace, name)):
        assert time.monotonic() < deadline, json.dumps(pod["status"], indent=1)
        time.sleep(0.3)
    return pod


def capture(name: str, pod: Json) -> Json:
    """Write the pod to the unit tests' fixtures if asked for, without its managed fields."""
    if CAPTURING:
        captured = json.loads(json.dumps(pod))
        captured["metadata"].pop("managedFields", None)
        CAPTURES.mkdir(parents=True, exist_ok=True)
        (CAPTURES / f"{name}.json").write_text(json.dumps(captured, indent=2) + "\n")
    return pod


class FinishedPod(NamedTuple):
    """A terminated pod and its log."""

    pod: Json
    log: bytes

    @property
    def state(self) -> PodState:
        return read_pod(read_snapshot(self.pod), datetime.now(UTC), GracePeriods())

    @property
    def record(self) -> dict[str, Any]:
        return dict(json.loads(self.terminated["message"]))

    @property
    def terminated(self) -> dict[str, Any]:
        return dict(state(self.pod)["terminated"])

    @property
    def framed(self) -> SplitLog:
        return split_log(self.log, NONCE)


def collect(namespace: str, name: str) -> FinishedPod:
    wait_until(namespace, name, is_terminated)
    # The phase is set a second or two after the container has terminated; captured pods have the final status.
    pod = wait_until(namespace, name, lambda pod: pod["status"]["phase"] in ("Succeeded", "Failed"))
    log = kubectl("logs", "-n", namespace, name).encode()
    return FinishedPod(capture(name, pod), log)


def delete_namespace(namespace: str) -> None:
    """Delete the namespace and the finalizers of its pods, which no controller would remove."""
    pods = kubectl("get", "pods", "-n", namespace, "-o", "name").split()
    for pod in pods:
        kubectl(
            "patch",
            "-n",
            namespace,
            pod,
            "--type=merge",
            "-p",
            '{"metadata":{"finalizers":null}}',
            may_fail=True,
        )
    kubectl("delete", "namespace", namespace, "--wait=false")
