"""The chart is installed, tried, upgraded and uninstalled, beside the release that the other tests use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cluster.commands import helm, kubectl
from swefoundry.api.crds import RESOURCES, ROOT

pytestmark = pytest.mark.cluster

CHART = str(ROOT / "charts/swefoundry")
MAIN = "swefoundry"
"""Release and namespace of the installation under test; its values say where images and registry are."""

Values = dict[str, Any]


def values_of_main() -> Values:
    values: Values = json.loads(helm("get", "values", MAIN, "-n", MAIN, "-o", "json")) or {}
    return {**values, "namespaces": [], "crds": {"install": False}, "fullnameOverride": "beside"}


def copy_of(kind: str, name: str, namespace: str) -> None:
    """A ConfigMap or Secret of the main installation, in another namespace."""
    body = json.loads(kubectl("get", kind, name, "-n", MAIN, "-o", "json"))
    body["metadata"] = {"name": name, "namespace": namespace}
    kubectl("apply", "--server-side", "-f", "-", stdin=json.dumps(body))


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace for a second release, with what its pods mount."""
    name = f"beside-{uuid4().hex[:8]}"
    values = values_of_main()
    kubectl("create", "namespace", name)
    kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=baseline")
    if values.get("caConfigMap"):
        copy_of("configmap", values["caConfigMap"], name)
    if values.get("registry", {}).get("secret"):
        copy_of("secret", values["registry"]["secret"], name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def release(namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The second release, its operator ready."""
    upgrade(namespace, tmp_path_factory.mktemp("values"), values_of_main(), "--install")
    yield namespace
    helm("uninstall", namespace, "-n", namespace, "--ignore-not-found", "--wait", "--timeout", "120s")


def upgrade(release: str, folder: Path, values: Values, *options: str) -> None:
    path = folder / "values.json"
    path.write_text(json.dumps(values))
    helm("upgrade", release, CHART, "-n", release, "-f", str(path), "--wait", "--timeout", "180s", *options)


def left_in(namespace: str) -> set[str]:
    """Objects of the release."""
    kinds = "deploy,service,serviceaccount,role,rolebinding,networkpolicy,pod,ti,eb"
    selector = "app.kubernetes.io/part-of=swefoundry"
    return set(kubectl("get", kinds, "-n", namespace, "-l", selector, "-o", "name").split())


@pytest.mark.timeout(900)
def test_takes_a_tiny_task_to_its_verdict(release: str) -> None:
    said = helm("test", release, "-n", release, "--timeout", "780s", "--logs")
    assert "fail2pass, as expected" in said


def test_is_upgraded_in_place(release: str, tmp_path: Path) -> None:
    upgrade(release, tmp_path, {**values_of_main(), "logLevel": "DEBUG"})
    environment = kubectl("get", "deploy/beside", "-n", release, "-o", "jsonpath={..env[*]}")
    assert "DEBUG" in environment


def test_its_operator_has_no_right_elsewhere(release: str) -> None:
    account = f"system:serviceaccount:{release}:beside"
    for question in (
        ("list", "pods", "-n", MAIN),
        ("get", "secrets", "-n", release),
        ("create", "pods", "--subresource=exec", "-n", release),
        ("patch", "taskinstances", "-n", release),
        ("list", "namespaces"),
    ):
        assert kubectl("auth", "can-i", *question, "--as", account, fails=True).strip() == "no"


def test_leaves_nothing_but_the_definitions_when_it_is_uninstalled(release: str) -> None:
    kubectl("delete", "ti", "--all", "-n", release, "--timeout=120s")
    helm("uninstall", release, "-n", release, "--wait", "--timeout", "120s")
    operator = "app.kubernetes.io/component=operator"
    kubectl("wait", "--for=delete", "pod", "-l", operator, "-n", release, "--timeout=60s")
    assert left_in(release) <= {"pod/beside-trial"}  # Helm keeps the pod of a test for its log
    for resource in RESOURCES:
        assert resource.name in kubectl("get", "crd", resource.name, "-o", "name")
