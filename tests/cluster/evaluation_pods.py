"""Real evaluation pods without the operator: a stage image by registry calls, a pod by the product's own builder."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
from swefoundry.workloads.evaluation.pod import EvaluationRun, evaluation_pod

Json = dict[str, Any]

HOST_REGISTRY = "127.0.0.1:5000"
NODE_REGISTRY = "registry.lab:5000"
BASE, TAG = "library/python", "3.11-slim"
REPOSITORY = "swefoundry-tests/runner"
NONCE = "6b8f0c1d2e3f405162738495a6b7c8d9"
CAPTURES = ROOT / "tests" / "fixtures" / "pods"
CAPTURING = bool(os.environ.get("SWEFOUNDRY_CAPTURE_PODS"))
"""Set it to write what the cluster says into the fixtures of the unit tests."""


def push_stage_image(runner: Path) -> str:
    """The name, by digest, of python:3.11-slim with the runner on top."""
    return f"{NODE_REGISTRY}/{REPOSITORY}@{asyncio.run(_push(runner.read_bytes()))}"


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
        answer = await client.post(f"/v2/{REPOSITORY}/blobs/uploads/", params={"mount": digest, "from": BASE})
        assert answer.status_code == 201, answer.text


@dataclass(frozen=True)
class PodCase:
    """One pod."""

    command: str = "true"
    order: Mapping[str, Any] = field(default_factory=dict)
    memory: str = "256Mi"
    change: Callable[[Json], object] = lambda pod: None
    """What else is different about the pod."""


def case_pod(name: str, namespace: str, image: str, case: PodCase) -> Json:
    """The pod as the product makes it, but without an owner (it has none) and with its own name."""
    ticket = AttemptRef(Owner("EnvBuild", namespace, name, "0" * 8), Role.EVALUATION, "before-0", 0, NONCE)
    order = EvaluationSpec(
        **{"nonce": NONCE, "stage": "before", "command": case.command, "timeout_seconds": 60, **case.order}
    )
    validation = Validation.model_validate({"resources": {"cpu": "10m", "memory": case.memory}})
    pod = evaluation_pod(ticket, EvaluationRun(image, order, validation), Settings(service_account=""))
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


def is_ended(pod: Json) -> bool:
    return "terminated" in state(pod)


def wait_until(
    namespace: str, name: str, wanted: Callable[[Json], object], seconds: float = TIMEOUT_SECONDS
) -> Json:
    """The pod as soon as it is as wanted."""
    deadline = time.monotonic() + seconds
    while not wanted(pod := get(namespace, name)):
        assert time.monotonic() < deadline, json.dumps(pod["status"], indent=1)
        time.sleep(0.3)
    return pod


def capture(name: str, pod: Json) -> Json:
    """Keep what the cluster said, without what is of no use to a reader of statuses."""
    if CAPTURING:
        kept = json.loads(json.dumps(pod))
        kept["metadata"].pop("managedFields", None)
        CAPTURES.mkdir(parents=True, exist_ok=True)
        (CAPTURES / f"{name}.json").write_text(json.dumps(kept, indent=2) + "\n")
    return pod


def delete_namespace(namespace: str) -> None:
    """Delete the namespace; its pods' finalizers have nobody else to remove them."""
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
            fails=True,
        )
    kubectl("delete", "namespace", namespace, "--wait=false")
