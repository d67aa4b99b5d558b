"""Build pods from the product's own builder, created without the operator."""

import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

from cluster.commands import kubectl
from cluster.sample_instances import TIMEOUT_SECONDS
from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.deterministic_tar import TREE_MTIME
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.build.pod import BuildSize, build_pod

Json = dict[str, Any]

HOST = "127.0.0.1:5000"
"""Address of the lab's registry on this machine; pods use registry.lab:5000."""

LOCATION = RegistryLocation(
    registry="registry.lab:5000", insecure=True, repository="swefoundry-tests/building"
)
NONCE = "0123456789abcdef0123456789abcdef"
TREE = {
    "a.txt": b"hello\n",
    ".dockerignore": b"*\n",
    ".git/HEAD": b"ref: refs/heads/main\n",
    "tests/t.py": b"\n",
}
SETTINGS = Settings(
    registry_push=LOCATION.registry,
    registry_insecure=True,
    builder_image="registry.lab:5000/swefoundry/builder:dev",
    service_account="",
    build_cpu="50m",
    build_memory="256Mi",
    build_storage="1Gi",
)


async def push_source(files: Mapping[str, bytes]) -> str:
    """Push a source artifact of the form that intake writes; return its digest."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tree:
        for name, data in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(data), TREE_MTIME, 0o644
            tree.addfile(entry, io.BytesIO(data))
    async with RegistryClient(HOST, insecure=True) as registry:
        return await push_artifact(
            registry, LOCATION.repository, "source", {"source.tar.gz": content.getvalue()}
        )


def a_build_spec(name: str, source: str, dockerfile: str, **changes: object) -> BuildSpec:
    """The spec of a build that takes seconds; the time limit allows for a busy machine."""
    spec = BuildSpec(
        nonce=NONCE,
        place=LOCATION,
        source=source,
        draft=Draft(dockerfile=dockerfile, test_command="true"),
        tag=name,
        time_limit_seconds=900,
        mirrors={"docker.io": LOCATION.registry},
    )
    return spec.model_copy(update=changes)


def a_pod(namespace: str, name: str, spec: BuildSpec, settings: Settings = SETTINGS) -> Json:
    """The operator's build pod without owner and finalizer, because no controller would remove the finalizer."""
    attempt = AttemptRef(Owner("EnvBuild", namespace, name, name), Role.BUILD, "build", 1, NONCE)
    pod = build_pod(attempt, spec, settings, BuildSize())
    pod["metadata"] |= {"name": name, "ownerReferences": [], "finalizers": []}
    return pod


def create(pods: list[Json]) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))


def wait_until_terminated(namespace: str, name: str, seconds: int = TIMEOUT_SECONDS) -> Json:
    """Wait until the pod's container has terminated; return the pod."""
    condition = "--for=jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    kubectl("-n", namespace, "wait", condition, f"pod/{name}", f"--timeout={seconds}s")
    pod: Json = json.loads(kubectl("-n", namespace, "get", "pod", name, "-o", "json"))
    return pod


def terminated_state(pod: Json) -> Json:
    state: Json = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    return state
