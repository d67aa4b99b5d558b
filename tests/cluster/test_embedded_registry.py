"""The chart's embedded registry: pods push to it by service name, nodes pull images from it by host port."""

import json
from collections.abc import Iterator
from urllib.parse import urljoin
from uuid import uuid4

import httpx
import pytest

from cluster.commands import LAB, ON_LAB, helm, kubectl
from cluster.sample_instances import TIMEOUT_SECONDS, wait_until
from swefoundry.api.codegen.crds import ROOT

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not ON_LAB or not (LAB / "registry").exists(), reason="copies an image of the lab's registry"
    ),
]

LAB_REGISTRY = "http://127.0.0.1:5000"
IMAGE = "library/busybox"
HOST_PORT = 30599
TIMEOUT = f"--timeout={TIMEOUT_SECONDS}s"
BUSY_SECONDS = 60
"""Limit of a request on a busy machine."""
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace with a release of the chart whose registry is ready; the release's operator has no work."""
    name = f"registry-{uuid4().hex[:8]}"
    values = f"registry.embedded.enabled=true,registry.embedded.hostPort={HOST_PORT},crds.install=false"
    kubectl("create", "namespace", name)
    try:
        chart = str(ROOT / "charts/swefoundry")
        helm("install", name, chart, "-n", name, "--set", values, "--set", "fullnameOverride=trial")
        kubectl("-n", name, "wait", "--for=condition=Available", "deploy/trial-registry", TIMEOUT)
        yield name
    finally:
        helm("uninstall", name, "-n", name, "--ignore-not-found")
        kubectl("delete", "namespace", name, "--wait=false")


def is_reachable(url: str) -> bool:
    """False for a moment after the pod is ready, until the node has the service's endpoints."""
    try:
        return httpx.get(url).is_success
    except httpx.TransportError:
        return False


def copy(source: str, target: str) -> None:
    """Copy one image from one registry to another."""
    with httpx.Client(timeout=BUSY_SECONDS) as http:
        read = http.get(f"{source}/v2/{IMAGE}/manifests/latest", headers={"Accept": MANIFEST})
        manifest = json.loads(read.raise_for_status().content)
        for blob in (manifest["config"], *manifest["layers"]):
            content = http.get(f"{source}/v2/{IMAGE}/blobs/{blob['digest']}").raise_for_status().content
            upload = http.post(f"{target}/v2/{IMAGE}/blobs/uploads/").raise_for_status()
            location = httpx.URL(urljoin(target, upload.headers["Location"])).copy_merge_params(
                {"digest": blob["digest"]}
            )
            http.put(location, content=content).raise_for_status()
        url, headers = f"{target}/v2/{IMAGE}/manifests/latest", {"Content-Type": MANIFEST}
        http.put(url, content=read.content, headers=headers).raise_for_status()


def test_a_pod_runs_an_image_of_the_registry_and_reads_the_registry_by_name(namespace: str) -> None:
    address = kubectl("-n", namespace, "get", "service", "trial-registry", "-o", "jsonpath={.spec.clusterIP}")
    wait_until(lambda: is_reachable(f"http://{address}:5000/v2/"), bool)
    copy(LAB_REGISTRY, f"http://{address}:5000")
    read = ["wget", "-qO-", f"http://trial-registry.{namespace}.svc:5000/v2/_catalog"]
    image = f"localhost:{HOST_PORT}/{IMAGE}:latest"
    kubectl("-n", namespace, "run", "reader", f"--image={image}", "--restart=Never", "--command", "--", *read)
    kubectl("-n", namespace, "wait", "--for=jsonpath={.status.phase}=Succeeded", "pod/reader", TIMEOUT)
    assert json.loads(kubectl("-n", namespace, "logs", "reader")) == {"repositories": [IMAGE]}
