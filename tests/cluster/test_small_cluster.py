"""A batch whose evaluations fit the node one at a time: the instances end in the order of their creation."""

import json
from collections.abc import Iterator

import pytest

from cluster.commands import kubectl
from cluster.fault_injection import wait_for_operator
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    a_task,
    apply,
    condition,
    delete,
    make_shell_repository,
    unique,
    wait_until,
)
from swefoundry.workloads.resource_estimates import amount

pytestmark = [pytest.mark.cluster, pytest.mark.alone]

INSTANCES = 3
ONE_AT_A_TIME = ("INTAKE", "BUILD")
"""Roles with one place, so that the instances reach their evaluations in order."""


@pytest.fixture(scope="module")
def one_by_one() -> Iterator[None]:
    """An operator that creates no pod while an older one of its role has no node."""
    names = ["SWEFOUNDRY_MAX_UNPLACED", *(f"SWEFOUNDRY_MAX_ACTIVE_{role}" for role in ONE_AT_A_TIME)]
    deployment = json.loads(kubectl("get", "deploy/swefoundry", "-n", NAMESPACE, "-o", "json"))
    try:
        set_environment(f"{name}=1" for name in names)
        yield
    finally:
        patch = {"spec": {"template": {"spec": {"containers": containers(deployment)}}}}
        kubectl("patch", "deploy/swefoundry", "-n", NAMESPACE, "--type=merge", "-p", json.dumps(patch))
        wait_for_operator()


def set_environment(settings: Iterator[str]) -> None:
    kubectl("set", "env", "deploy/swefoundry", "-n", NAMESPACE, *settings)
    wait_for_operator()


def containers(deployment: Json) -> list[Json]:
    return list(deployment["spec"]["template"]["spec"]["containers"])


@pytest.fixture(scope="module")
def history(one_by_one: None) -> Iterator[list[Json]]:
    """The statuses of the batch, as they were read one after the other."""
    names = [unique(f"small-{number}") for number in range(INSTANCES)]
    repository = make_shell_repository(names[0])
    resources = {"cpu": more_than_half_a_node(), "memory": "256Mi", "ephemeralStorage": "1Gi"}
    validation = {"timeoutSeconds": 60, "resources": resources}
    history: list[Json] = []

    def all_have_ended() -> bool:
        history.append(statuses(names))
        return all("finishedAt" in status for status in history[-1].values())

    try:
        apply(*(a_task(name, repository, validation=validation) for name in names))
        wait_until(all_have_ended, bool)
        yield history
    finally:
        delete(*names)


def more_than_half_a_node() -> str:
    nodes = json.loads(kubectl("get", "nodes", "-o", "json"))["items"]
    largest = max(amount(node["status"]["allocatable"]["cpu"]) for node in nodes)
    return f"{round(600 * largest)}m"


def statuses(names: list[str]) -> Json:
    items = json.loads(kubectl("get", "ti", *names, "-n", NAMESPACE, "-o", "json"))["items"]
    return {item["metadata"]["name"]: item.get("status", {}) for item in items}


def test_all_end_with_a_verdict_in_the_order_of_their_creation(history: list[Json]) -> None:
    ends = {name: status["finishedAt"] for name, status in history[-1].items()}
    assert list(ends.values()) == sorted(ends.values())
    assert {status["verdict"] for status in history[-1].values()} == {"fail2pass"}


def test_who_waits_is_queued_with_a_position_and_never_misconfigured(history: list[Json]) -> None:
    read = [
        (status.get("phase"), condition(status, "Ready"))
        for statuses_ in history
        for status in statuses_.values()
    ]
    assert any(phase == "Queued" and "waiting for an" in ready["message"] for phase, ready in read)
    assert "Misconfigured" not in json.dumps(history)
