"""A node is lost during a build and an evaluation: both are repeated on another node."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cluster.commands import kubectl
from cluster.fault_injection import (
    an_instance,
    assert_undisturbed_verdicts,
    lab,
    lab_only,
    name_of,
    recorded_pods,
    running_pods,
)
from cluster.sample_instances import apply, wait_until
from swefoundry_lab import faults, up
from swefoundry_lab.cli import exclusive
from swefoundry_lab.node import Node
from swefoundry_lab.steps import Steps

pytestmark = [pytest.mark.cluster, pytest.mark.alone, lab_only]

HANGS_ON_LAB_2 = "if ip -4 addr | grep -q '10\\.244\\.1\\.'; then sleep 900; fi"
"""Pods of lab-2 have addresses 10.244.1.x: the command hangs on that node only."""


@pytest.fixture
def lab_2() -> Iterator[Node]:
    """A second node, removed at the end of the test."""
    node = Node(2, lab().address)
    try:
        with exclusive(lab()):
            up.add_node(lab(), Steps.quiet(), node)
        yield node
    finally:
        with exclusive(lab()):
            faults.remove_node(lab(), node.name)


@contextmanager
def new_pods_go_to(node: Node) -> Iterator[None]:
    """Cordon the first node until the block ends."""
    kubectl("cordon", "lab-1")
    try:
        yield
    finally:
        kubectl("uncordon", "lab-1")


def runs_on(node: Node, name: str, role: str) -> bool:
    return any(pod["spec"].get("nodeName") == node.name for pod in running_pods(name, role))


def test_pods_of_a_lost_node_are_retried_and_no_verdict_changes(lab_2):
    evaluating = an_instance("fail2pass", f"{HANGS_ON_LAB_2}; sh check.sh")
    building = an_instance("pass2pass")
    building["spec"]["environment"]["draft"]["dockerfile"] += f"RUN {HANGS_ON_LAB_2}\n"
    for task in (evaluating, building):
        task["spec"]["validation"]["timeoutSeconds"] = 900
    expected = {name_of(evaluating): "fail2pass", name_of(building): "pass2pass"}
    with recorded_pods() as recorder:
        with new_pods_go_to(lab_2):
            apply(evaluating, building)
            wait_until(
                lambda: (
                    runs_on(lab_2, name_of(evaluating), "evaluation"),
                    runs_on(lab_2, name_of(building), "build"),
                ),
                lambda both: both == (True, True),
            )
        faults.kill_node(lab(), lab_2.name)
        assert_undisturbed_verdicts(recorder, expected)
        assert [recorder.numbers_of(name) for name in expected] == [{"0", "1"}] * 2
