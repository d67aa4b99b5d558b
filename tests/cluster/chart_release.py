"""Helpers to install a second release of the chart next to the one that the other tests use."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster.commands import helm, kubectl
from swefoundry.api.codegen.crds import ROOT

CHART = str(ROOT / "charts/swefoundry")
MAIN_RELEASE = "swefoundry"
"""Release and namespace of the installation under test; its values name the images and the registry."""

Values = dict[str, Any]


def values_for_release(name: str) -> Values:
    """The main release's values for another release, whose cluster-wide objects get another name."""
    values: Values = json.loads(helm("get", "values", MAIN_RELEASE, "-n", MAIN_RELEASE, "-o", "json")) or {}
    return {**values, "namespaces": [], "crds": {"install": False}, "fullnameOverride": name}


def create_task_namespace(name: str) -> None:
    """Create a namespace in which task pods may run."""
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=baseline")


def read_from_main(kind: str, name: str) -> Values:
    """A ConfigMap or Secret of the main release."""
    return dict(json.loads(kubectl("get", kind, name, "-n", MAIN_RELEASE, "-o", "json")))


def apply_copy(body: Values, name: str, namespace: str) -> None:
    """Create or update a copy of the object with this name and namespace."""
    copy = {**body, "metadata": {"name": name, "namespace": namespace}}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(copy))


def copy_mounted_objects(values: Values, namespace: str) -> None:
    """Copy the objects that pods of a release with these values mount."""
    if ca := values.get("caConfigMap"):
        apply_copy(read_from_main("configmap", ca), ca, namespace)
    if secret := values.get("registry", {}).get("secret"):
        apply_copy(read_from_main("secret", secret), secret, namespace)


def upgrade(release: str, folder: Path, values: Values, *options: str) -> None:
    """Upgrade the release in the namespace of the same name, and wait until its pods are ready."""
    path = folder / "values.json"
    path.write_text(json.dumps(values))
    helm("upgrade", release, CHART, "-n", release, "-f", str(path), "--wait", "--timeout", "600s", *options)


@contextmanager
def installed(name: str, folder: Path, values: Values) -> Iterator[None]:
    """Install a release in a new namespace of the same name; delete its instances, the release and the namespace."""
    create_task_namespace(name)
    copy_mounted_objects(values, name)
    upgrade(name, folder, values, "--install")
    yield
    kubectl("delete", "ti", "--all", "-n", name, "--timeout=600s")
    helm("uninstall", name, "-n", name, "--ignore-not-found", "--wait", "--timeout", "600s")
    kubectl("delete", "namespace", name, "--wait=false")
