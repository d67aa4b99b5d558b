"""The chart's network policies for pods of every role: which connections they allow and which they deny."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from cluster.commands import helm, kubectl
from cluster.sample_instances import TIMEOUT_SECONDS

pytestmark = pytest.mark.cluster

RELEASE = NAMESPACE = "swefoundry"
PORT = 8099
MODEL = (f"{RELEASE}-scripted-model.{NAMESPACE}.svc.cluster.local", "8080")
"""Address of the chart's scripted model, which the lab's release enables and other releases may not."""
LISTEN = f"import http.server as h; h.HTTPServer(('', {PORT}), h.SimpleHTTPRequestHandler).serve_forever()"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=4)"
RESOLVE = "import socket, sys; socket.getaddrinfo(sys.argv[1], 443)"


class Probe(NamedTuple):
    """One pod that tries to reach a target."""

    labels: dict[str, str]
    target: str
    """names, registry, model, plain (a pod without a role) or evaluation (a pod with one)."""
    reachable: bool


NO_ROLE: dict[str, str] = {}
EVALUATION = {"swefoundry.dev/role": "evaluation", "swefoundry.dev/network": "deny"}
ALLOWED = {"swefoundry.dev/role": "evaluation", "swefoundry.dev/network": "allow"}
BUILD = {"swefoundry.dev/role": "build"}
INTAKE = {"swefoundry.dev/role": "intake"}
AGENT = {"swefoundry.dev/role": "agent"}

PROBES = {
    "any pod resolves names": Probe(NO_ROLE, "names", True),
    "any pod reaches the registry": Probe(NO_ROLE, "registry", True),
    "any pod reaches another": Probe(NO_ROLE, "plain", True),
    "no pod reaches an evaluation": Probe(NO_ROLE, "evaluation", False),
    "an evaluation resolves no name": Probe(EVALUATION, "names", False),
    "an evaluation does not reach the registry": Probe(EVALUATION, "registry", False),
    "an evaluation does not reach another pod": Probe(EVALUATION, "plain", False),
    "an evaluation with a network resolves names": Probe(ALLOWED, "names", True),
    "an evaluation with a network does not reach the registry": Probe(ALLOWED, "registry", False),
    "a build resolves names": Probe(BUILD, "names", True),
    "a build reaches the registry": Probe(BUILD, "registry", True),
    "a build does not reach odd ports": Probe(BUILD, "plain", False),
    "an intake resolves names": Probe(INTAKE, "names", True),
    "an intake reaches the registry": Probe(INTAKE, "registry", True),
    "an intake does not reach odd ports": Probe(INTAKE, "plain", False),
    "an agent resolves names": Probe(AGENT, "names", True),
    "an agent reaches the registry": Probe(AGENT, "registry", True),
    "an agent reaches the scripted model": Probe(AGENT, "model", True),
    "an agent does not reach odd ports": Probe(AGENT, "plain", False),
    "a build does not reach the scripted model": Probe(BUILD, "model", False),
    "any pod does not reach the scripted model": Probe(NO_ROLE, "model", False),
}


LISTENS = {
    "exec": {"command": ["python", "-c", CONNECT, "127.0.0.1", str(PORT)]},
    "periodSeconds": 2,
    "timeoutSeconds": 60,
}
"""A probe inside the container, which no network policy can block."""


def listener(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """A pod that becomes ready when its server listens."""
    body = pod(name, labels, LISTEN)
    body["spec"]["containers"][0]["readinessProbe"] = LISTENS
    return body


def pod(name: str, labels: dict[str, str], script: str, *arguments: str) -> dict[str, Any]:
    """A pod that the policies apply to and that the operator ignores, because it has no owner labels."""
    container = {
        "name": "probe",
        "image": "python:3.11-slim",
        "command": ["python", "-c", script, *arguments],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
    }
    spec = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 0,
        "automountServiceAccountToken": False,
        "hostUsers": False,
        "containers": [container],
    }
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {**labels, "probe-of": "network-policies"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def create(*pods: dict[str, Any]) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(pods)}))


def registry() -> tuple[str, str]:
    """Host and port of the registry for pods."""
    deployment = json.loads(kubectl("get", "deploy", RELEASE, "-n", NAMESPACE, "-o", "json"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    host, _, port = {variable["name"]: variable.get("value", "") for variable in container["env"]}[
        "SWEFOUNDRY_REGISTRY_PUSH"
    ].partition(":")
    return host, port or "443"


def address_of(name: str) -> str:
    """Wait until the pod listens; return its address."""
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", NAMESPACE, f"--timeout={TIMEOUT_SECONDS}s")
    return kubectl("get", "pod", name, "-n", NAMESPACE, "-o", "jsonpath={.status.podIP}")


@pytest.fixture(scope="module")
def results() -> Iterator[dict[str, bool]]:
    """Results of all probes, which run at the same time."""
    run = uuid4().hex[:6]
    names = {rule: f"probe-{run}-{index}" for index, rule in enumerate(PROBES)}
    values = json.loads(helm("get", "values", RELEASE, "-n", NAMESPACE, "--all", "-o", "json"))
    if not values["networkPolicy"]["enabled"]:
        pytest.skip("this release has no network policies")
    if not values["scriptedModel"]["enabled"]:
        names = {rule: name for rule, name in names.items() if PROBES[rule].target != "model"}
    try:
        listeners = {"plain": f"listen-{run}-plain", "evaluation": f"listen-{run}-evaluation"}
        create(
            listener(listeners["plain"], NO_ROLE),
            listener(listeners["evaluation"], EVALUATION),
        )
        targets = {target: (address_of(name), str(PORT)) for target, name in listeners.items()}
        targets |= {"registry": registry(), "model": MODEL}
        create(*(probe_pod(name, PROBES[rule], targets) for rule, name in names.items()))
        yield {rule: succeeded(name) for rule, name in names.items()}
    finally:
        kubectl("delete", "pod", "-n", NAMESPACE, "-l", "probe-of=network-policies", "--wait=false")


def probe_pod(name: str, probe: Probe, targets: dict[str, tuple[str, str]]) -> dict[str, Any]:
    if probe.target == "names":
        return pod(name, probe.labels, RESOLVE, "kubernetes.default.svc.cluster.local")
    return pod(name, probe.labels, CONNECT, *targets[probe.target])


def succeeded(name: str) -> bool:
    """Whether the pod's container terminated with exit code 0."""
    terminated = "jsonpath={.status.containerStatuses[0].state.terminated}"
    kubectl("wait", f"--for={terminated}", f"pod/{name}", "-n", NAMESPACE, f"--timeout={TIMEOUT_SECONDS}s")
    exit_code = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    return kubectl("get", "pod", name, "-n", NAMESPACE, "-o", exit_code) == "0"


@pytest.mark.parametrize("rule", PROBES)
def test_the_network_policies_ensure_that(results: dict[str, bool], rule: str) -> None:
    if rule not in results:
        pytest.skip("this release has no scripted model")
    assert results[rule] is PROBES[rule].reachable
