"""Install the swefoundry chart on the lab with the lab's values."""

import base64
import json
from pathlib import Path

from swefoundry_lab import images
from swefoundry_lab.command import run
from swefoundry_lab.layout import SOURCES, Lab
from swefoundry_lab.steps import Steps

RELEASE = NAMESPACE = "swefoundry"
EXTRA_NAMESPACE = "swefoundry-extra"
"""A second task namespace, which tests may delete."""

CHART = SOURCES.parent / "charts" / "swefoundry"
VALUES = SOURCES / "values.yaml"
DEMO_SCRIPT = SOURCES.parent / "samples" / "agents" / "script.yaml"
"""Script of the lab's scripted model for the two repositories of `make demo-agents`."""

CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
"""CA bundle of this machine, for builds in the lab: package indexes may be behind a proxy with its own CA."""


def install(lab: Lab, steps: Steps, extra: tuple[str, ...] = ()) -> None:
    """Install or upgrade the release, and wait until its pods are ready."""
    with steps.step("images") as progress:
        digests = images.push(lab, progress)
    with steps.step("namespaces"):
        for namespace in (NAMESPACE, EXTRA_NAMESPACE):
            apply(lab, _namespace(namespace))
            apply(lab, _certificates(namespace))
    with steps.step("chart"):
        run(
            [
                lab.bin / "helm", "upgrade", "--install", "--take-ownership", RELEASE, CHART, "--namespace", NAMESPACE,
                "--values", VALUES,
                "--set", f"namespaces={{{NAMESPACE},{EXTRA_NAMESPACE}}}",
                "--set", f"image.digest={digests['swefoundry/operator']}",
                "--set", f"builderImage.digest={digests['swefoundry/builder']}",
                "--set", f"scriptedModel.image.digest={digests['swefoundry/scripted-model']}",
                "--set-file", f"scriptedModel.scripts.demo={DEMO_SCRIPT}",
                *(part for item in extra for part in ("--set", item)),
                "--wait", "--timeout", "180s",
            ],
            env=lab.environment(),
        )  # fmt: skip


def apply(lab: Lab, manifest: dict[str, object]) -> None:
    """Apply a manifest on the server side, which can be repeated and needs no annotation for large objects."""
    run(
        [lab.bin / "kubectl", "apply", "--server-side", "--force-conflicts", "-f", "-"],
        env=lab.environment(),
        stdin=json.dumps(manifest),
    )


def _namespace(name: str) -> dict[str, object]:
    # Build pods need the baseline standard; see docs/install.md.
    labels = {"pod-security.kubernetes.io/enforce": "baseline"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _certificates(namespace: str) -> dict[str, object]:
    data = base64.b64encode(CERTIFICATES.read_bytes()).decode()
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "lab-ca", "namespace": namespace},
        "binaryData": {"ca.crt": data},
    }
