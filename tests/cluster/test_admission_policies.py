"""The API server takes the product's task pods, refuses those that could leave the sandbox, and checks no others.

No pod is created: a dry run on the server includes admission.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest

from cluster import build_pods
from cluster.chart_release import CHART
from cluster.commands import helm, kubectl
from cluster.evaluation_pods import PodCase, case_pod
from cluster.sample_instances import wait_until
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef, Owner, Role
from swefoundry.workloads.program_pod import program_pod, source_program

pytestmark = pytest.mark.cluster

Json = dict[str, Any]

IMAGE = "python:3.11-slim"
REFUSED_NODE_NETWORK = "spec.hostNetwork: a task pod may not use the node's network"


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    """A task namespace with the chart's policy alone: the Pod Security Standards would refuse most pods before it."""
    name = f"admission-{uuid4().hex[:8]}"
    values = ("--set", f"namespaces={{{name}}},registry.push=registry.example.org")
    render = ("template", "swefoundry", CHART, "-s", "templates/admissionpolicies.yaml")
    policies = helm(*render, "-n", name, "--kube-version", "1.33", *values)
    kubectl("create", "namespace", name)
    kubectl("create", "serviceaccount", "swefoundry-task", "-n", name)
    kubectl("create", "-f", "-", stdin=policies)
    try:
        # The API server learns of a new policy after some seconds.
        wait_until(lambda: answer(evaluation(name, NODE_NETWORK)), lambda text: REFUSED_NODE_NETWORK in text)
        yield name
    finally:
        kubectl("delete", "--ignore-not-found", "-f", "-", stdin=policies)
        kubectl("delete", "namespace", name, "--wait=false")


def evaluation(namespace: str, change: Callable[[Json], object] = lambda pod: None) -> Json:
    return case_pod("admission", namespace, IMAGE, PodCase(change=change))


def build(namespace: str) -> Json:
    spec = build_pods.a_build_spec("admission", f"sha256:{'0' * 64}", f"FROM {IMAGE}\n")
    return build_pods.a_pod(namespace, "admission", spec)


def program(namespace: str, role: Role) -> Json:
    """An intake or agent pod; checkouts and searches for leaks are made like intakes."""
    attempt = AttemptRef(Owner("EnvBuild", namespace, "admission", "0" * 8), role, "draft-0", 0, "nonce")
    settings = Settings()
    return program_pod(attempt, source_program("swefoundry-intake", {}, settings), settings)


def answer(pod: Json) -> str:
    """What the API server says to the pod."""
    try:
        return kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    except AssertionError as refusal:
        return str(refusal)


def in_spec(**fields: Any) -> Callable[[Json], object]:
    return lambda pod: pod["spec"].update(fields)


def in_container(**fields: Any) -> Callable[[Json], object]:
    return lambda pod: pod["spec"]["containers"][0].update(fields)


def in_security(**fields: Any) -> Callable[[Json], object]:
    return lambda pod: pod["spec"]["containers"][0]["securityContext"].update(fields)


def token_in_a_volume(pod: Json) -> None:
    pod["spec"]["volumes"] = [
        {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}
    ]


NODE_NETWORK = in_spec(hostNetwork=True, hostUsers=None)

REFUSED: dict[str, tuple[str, Callable[[Json], object]]] = {
    "the node's network": (REFUSED_NODE_NETWORK, NODE_NETWORK),
    "the node's processes": ("spec.hostPID: a task pod may not", in_spec(hostPID=True, hostUsers=None)),
    "the node's IPC": ("spec.hostIPC: a task pod may not", in_spec(hostIPC=True, hostUsers=None)),
    "the node's users": ("spec.hostUsers: a task pod must have a user namespace", in_spec(hostUsers=True)),
    "a path of the node": (
        "spec.volumes: a task pod may not mount a path of the node (hostPath)",
        in_spec(volumes=[{"name": "v", "hostPath": {"path": "/"}}]),
    ),
    "a token": ("spec.automountServiceAccountToken: a task pod", in_spec(automountServiceAccountToken=True)),
    "a token in a volume": ("spec.automountServiceAccountToken: a task pod", token_in_a_volume),
    "privilege": (
        "securityContext.privileged: no container of a task pod may be privileged",
        in_security(privileged=True, allowPrivilegeEscalation=None),
    ),
    "privilege escalation": (
        "securityContext.allowPrivilegeEscalation: must be false",
        in_security(allowPrivilegeEscalation=True),
    ),
    "a capability of builds": (
        'securityContext.capabilities.add: a task pod with the role "evaluation" may add these only: CHOWN, ',
        in_security(capabilities={"add": ["SETFCAP"]}),
    ),
    "a port of the node": (
        "ports.hostPort: a task pod may not use a port of the node",
        in_container(ports=[{"containerPort": 80, "hostPort": 80}]),
    ),
}


@pytest.mark.parametrize(("message", "change"), REFUSED.values(), ids=REFUSED)
def test_a_task_pod_is_refused_with(namespace: str, message: str, change: Callable[[Json], object]) -> None:
    assert message in answer(evaluation(namespace, change))


def test_the_products_pods_are_taken(namespace: str) -> None:
    pods = [
        evaluation(namespace),
        build(namespace),
        program(namespace, Role.INTAKE),
        program(namespace, Role.AGENT),
    ]
    assert [answer(pod) for pod in pods] == [
        f"pod/{pod['metadata']['name']} created (server dry run)\n" for pod in pods
    ]


def test_a_pod_without_a_role_is_checked_when_it_runs_as_the_account_of_task_pods(namespace: str) -> None:
    pod = evaluation(namespace, NODE_NETWORK)
    pod["metadata"]["labels"] = {}
    assert "created" in answer(pod)
    pod["spec"]["serviceAccountName"] = "swefoundry-task"
    assert REFUSED_NODE_NETWORK in answer(pod)
