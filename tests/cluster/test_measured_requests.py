"""Requests of real pods follow what the pods before them used; limits stay what the spec says."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from cluster.commands import environment, kubectl, path_of
from cluster.sample_instances import (
    NAMESPACE,
    SHELL_BUG,
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
LINE = r'{.metadata.labels.swefoundry\.dev/owner-kind} {.metadata.name} {.spec.containers[0].resources}{"\n"}'
"""Whose pod it is, and its resources as JSON."""


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """An instance that names its limits and no CPU."""
    name = unique("measured")
    yield name
    delete(name)


@pytest.fixture(scope="module")
def lines(name: str) -> set[str]:
    """A line for each evaluation pod of the instance: pods are deleted soon, so they are watched."""
    selector = f"swefoundry.dev/owner={name},swefoundry.dev/role=evaluation"
    command = [
        path_of("kubectl"),
        "get",
        "pods",
        "-n",
        NAMESPACE,
        "-l",
        selector,
        "--watch",
        "-o",
        f"jsonpath={LINE}",
    ]
    validation = {"timeoutSeconds": 60, "resources": {"memory": "512Mi", "ephemeralStorage": "1Gi"}}
    watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        # A file of its own, for the operator knows what was used in an image with the same content.
        repository = make_shell_repository(name, files=SHELL_BUG | {"name": name})
        apply(a_task(name, repository, validation=validation))
        assert wait_until_finished(name)["verdict"] == "fail2pass"
    finally:
        watch.terminate()
    return set(watch.communicate()[0].splitlines())


def sizes(lines: set[str], owner: str) -> list[Json]:
    """Resources of the pods that an object of this kind owns."""
    return [json.loads(line.split(" ", 2)[2]) for line in lines if line.startswith(f"{owner} ")]


def test_a_probe_gets_the_first_guess_and_the_matrix_what_probes_used(lines: set[str]) -> None:
    first = {"cpu": "250m", "memory": "512Mi", "ephemeral-storage": "1Gi"}
    measured = {"cpu": "100m", "memory": "128Mi", "ephemeral-storage": "1Gi"}
    # The second probe may start after the first one has ended.
    assert {"limits": LIMITS, "requests": first} in sizes(lines, "envbuild")
    assert sizes(lines, "taskinstance") == [{"limits": LIMITS, "requests": measured}] * 3


def test_the_status_has_what_each_pod_used(name: str, lines: set[str]) -> None:
    status = get("ti", name)["status"]
    for measured in [item["measured"] for item in [*status["evaluations"], *status["attempts"]]]:
        assert measured["cpuSeconds"] >= 0
        assert 0 < measured["peakMemoryBytes"] < 512 << 20


def test_so_has_the_search_for_each_probe(name: str, lines: set[str]) -> None:
    build = json.loads(kubectl("get", "eb", name, "-n", NAMESPACE, "-o", "json"))["status"]
    probes = [probe for item in build["rounds"] for probe in item["probes"]]
    assert len(probes) == 2
    assert all(probe["seconds"] > 0 and probe["measured"]["peakMemoryBytes"] > 0 for probe in probes)
