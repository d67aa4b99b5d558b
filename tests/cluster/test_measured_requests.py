"""Requests of real pods follow what the pods before them used; limits stay what the spec says."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from cluster.commands import kubectl
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    a_task,
    apply,
    delete,
    get,
    make_shell_repository,
    unique,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

LIMITS = {"memory": "512Mi", "ephemeral-storage": "1Gi"}


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """An instance that names its limits and no CPU."""
    name = unique("measured")
    yield name
    delete(name)


@pytest.fixture(scope="module")
def pods(name: str) -> list[Json]:
    """Every evaluation pod of the instance, as it was created."""
    selector = f"swefoundry.dev/owner={name},swefoundry.dev/role=evaluation"
    command = ["kubectl", "get", "pods", "-n", NAMESPACE, "-l", selector, "--watch", "-o", "json"]
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        apply(
            a_task(
                name,
                make_shell_repository(name),
                validation={
                    "timeoutSeconds": 60,
                    "resources": {"memory": "512Mi", "ephemeralStorage": "1Gi"},
                },
            )
        )
        assert wait_until_finished(name)["verdict"] == "fail2pass"
    finally:
        watch.terminate()
    return list({pod["metadata"]["uid"]: pod for pod in objects_in(watch.communicate()[0])}.values())


def objects_in(text: str) -> Iterator[Json]:
    """The JSON objects that follow each other; what is after the last whole one was cut off."""
    decoder, rest = json.JSONDecoder(), text.lstrip()
    while rest:
        try:
            found, end = decoder.raw_decode(rest)
        except ValueError:
            return
        yield found
        rest = rest[end:].lstrip()


def sizes(pods: list[Json], owner: str) -> list[tuple[Json, Json]]:
    """Requests and limits of the pods that an object of this kind owns."""
    found = [pod for pod in pods if pod["metadata"]["labels"]["swefoundry.dev/owner-kind"] == owner]
    resources = [pod["spec"]["containers"][0]["resources"] for pod in found]
    return [(item["requests"], item["limits"]) for item in resources]


def test_probes_get_the_first_guess_and_the_matrix_what_the_probes_used(pods: list[Json]) -> None:
    first = {"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"}
    measured = {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "1Gi"}
    assert sizes(pods, "envbuild") == [(first, LIMITS)] * 2
    assert sizes(pods, "taskinstance") == [(measured, LIMITS)] * 3


def test_the_status_has_what_each_pod_used(name: str, pods: list[Json]) -> None:
    status = get("ti", name)["status"]
    for measured in [item["measured"] for item in [*status["evaluations"], *status["attempts"]]]:
        assert measured["cpuSeconds"] >= 0
        assert 0 < measured["peakMemoryBytes"] < 512 << 20


def test_so_has_the_search_for_each_probe(name: str, pods: list[Json]) -> None:
    build = json.loads(kubectl("get", "eb", name, "-n", NAMESPACE, "-o", "json"))["status"]
    probes = [probe for item in build["rounds"] for probe in item["probes"]]
    assert len(probes) == 2
    assert all(probe["seconds"] > 0 and probe["measured"]["peakMemoryBytes"] > 0 for probe in probes)
