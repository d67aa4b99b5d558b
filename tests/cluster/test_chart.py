"""A second release of the chart is installed, tested with `helm test`, upgraded and uninstalled."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from cluster.chart_release import (
    MAIN_RELEASE,
    copy_mounted_objects,
    create_task_namespace,
    upgrade,
    values_for_release,
)
from cluster.commands import helm, kubectl
from cluster.sample_instances import wait_until
from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS

pytestmark = pytest.mark.cluster

NAME = "beside"


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A namespace for the second release, with the objects that its pods mount."""
    name = f"beside-{uuid4().hex[:8]}"
    values = values_for_release(NAME)
    create_task_namespace(name)
    copy_mounted_objects(values, name)
    yield name
    kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture(scope="module")
def release(namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The second release, with a ready operator."""
    upgrade(namespace, tmp_path_factory.mktemp("values"), values_for_release(NAME), "--install")
    yield namespace
    helm("uninstall", namespace, "-n", namespace, "--ignore-not-found", "--wait", "--timeout", "600s")


def objects_in(namespace: str) -> set[str]:
    """Objects of the release and task objects in the namespace."""
    kinds = "deploy,service,serviceaccount,role,rolebinding,networkpolicy,pod,ti,eb"
    selector = "app.kubernetes.io/part-of=swefoundry"
    return set(kubectl("get", kinds, "-n", namespace, "-l", selector, "-o", "name").split())


@pytest.mark.timeout(1800)
def test_helm_test_gives_a_small_task_its_verdict(release: str) -> None:
    output = helm("test", release, "-n", release, "--timeout", "780s", "--logs")
    assert "fail2pass, as expected" in output


def test_the_release_can_be_upgraded(release: str, tmp_path: Path) -> None:
    upgrade(release, tmp_path, {**values_for_release(NAME), "logLevel": "DEBUG"})
    environment = kubectl("get", "deploy/beside", "-n", release, "-o", "jsonpath={..env[*]}")
    assert "DEBUG" in environment


def test_its_operator_has_no_rights_in_other_namespaces(release: str) -> None:
    account = f"system:serviceaccount:{release}:beside"
    for question in (
        ("list", "pods", "-n", MAIN_RELEASE),
        ("get", "secrets", "-n", release),
        ("create", "pods", "--subresource=exec", "-n", release),
        ("patch", "taskinstances", "-n", release),
        ("list", "namespaces"),
    ):
        assert kubectl("auth", "can-i", *question, "--as", account, may_fail=True).strip() == "no"


def test_only_the_definitions_remain_after_it_is_uninstalled(release: str) -> None:
    kubectl("delete", "ti", "--all", "-n", release, "--timeout=600s")
    helm("uninstall", release, "-n", release, "--wait", "--timeout", "600s")
    operator = "app.kubernetes.io/component=operator"
    kubectl("wait", "--for=delete", "pod", "-l", operator, "-n", release, "--timeout=600s")
    wait_until(
        lambda: sorted(objects_in(release) - {"pod/beside-trial"}), lambda left: not left
    )  # Helm keeps the pod of `helm test` for its log
    for resource in RESOURCE_DEFINITIONS:
        assert resource.name in kubectl("get", "crd", resource.name, "-o", "name")
