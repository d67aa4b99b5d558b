"""Add-ons in the cluster: DNS, and the permissions of kube-proxy."""

import hashlib
import json
from pathlib import Path

from swefoundry_lab import api, dns, node
from swefoundry_lab.command import run
from swefoundry_lab.errors import LabError
from swefoundry_lab.layout import DNS_SERVICE, GIT_HOST, REGISTRY_HOST, REGISTRY_PORT, Lab
from swefoundry_lab.node import Node
from swefoundry_lab.scratch_images import coredns_image
from swefoundry_lab.steps import Progress, wait_until

READY_SECONDS = 90
APPLIED = {"name": "swefoundry-lab", "namespace": "kube-system"}
"""A ConfigMap with the digest of the applied manifest, so that `up` does not apply it again."""


def ensure_dns(lab: Lab, progress: Progress) -> None:
    """Install CoreDNS, which also resolves the names of the registry and the git server."""
    manifest = _manifest(lab)
    digest = hashlib.sha256(manifest.encode()).hexdigest()
    with api.connect(lab) as client:
        applied = api.get(client, f"/api/v1/namespaces/{APPLIED['namespace']}/configmaps/{APPLIED['name']}")
    if applied is None or applied["data"].get("addons") != digest:
        progress("applying")
        _apply(lab, manifest)
        _apply(
            lab,
            json.dumps(
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": APPLIED, "data": {"addons": digest}}
            ),
        )
    if not wait_until(lambda: dns.resolves_to(DNS_SERVICE, REGISTRY_HOST, lab.address), READY_SECONDS):
        raise LabError("CoreDNS does not answer; see `kubectl -n kube-system describe pods`.")


def _manifest(lab: Lab) -> str:
    image = coredns_image(lab)
    return node.render(
        "coredns.yaml",
        address=lab.address,
        names=f"{REGISTRY_HOST} {GIT_HOST}",
        image=f"{REGISTRY_HOST}:{REGISTRY_PORT}/{image.repository}:{image.tag}",
        dns=DNS_SERVICE,
        node=Node(1, lab.address).name,
    )


def _apply(lab: Lab, manifest: str) -> None:
    kubectl: list[str | Path] = [lab.bin / "kubectl", "--kubeconfig", lab.kubeconfig]
    run([*kubectl, "apply", "--server-side", "--force-conflicts", "-f", "-"], stdin=manifest)
