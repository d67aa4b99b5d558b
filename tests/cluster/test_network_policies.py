"""The chart's network policies hold for pods of every role: who gets out, who gets in."""

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
"""Where the chart puts the scripted model, which the lab's release has and others need not have."""
LISTEN = f"import http.server as h; h.HTTPServer(('', {PORT}), h.SimpleHTTPRequestHandler).serve_forever()"
CONNECT = "import socket, sys; socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=4)"
RESOLVE = "import socket, sys; socket.getaddrinfo(sys.argv[1], 443)"


class Probe(NamedTuple):
    """One pod that tries to reach something."""

    labels: dict[str, str]
    what: str
    """names, registry, model, plain (a pod without a role) or evaluation (a pod with one)."""
    gets_through: bool


NOBODY: dict[str, str] = {}
EVALUATION = {"swefoundry.dev/role": "evaluation", "swefoundry.dev/network": "deny"}
ALLOWED = {"swefoundry.dev/role": "evaluation", "swefoundry.dev/network": "allow"}
BUILD = {"swefoundry.dev/role": "build"}
INTAKE = {"swefoundry.dev/role": "intake"}
AGENT = {"swefoundry.dev/role": "agent"}

PROBES = {
    "any pod resolves names": Probe(NOBODY, "names", True),
    "any pod reaches the registry": Probe(NOBODY, "registry", True),
    "any pod reaches another": Probe(NOBODY, "plain", True),
    "nobody reaches an evaluation": Probe(NOBODY, "evaluation", False),
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
    "any pod does not reach the scripted model": Probe(NOBODY, "model", False),
}


LISTENS = {
    "exec": {"command": ["python", "-c", CONNECT, "127.0.0.1", str(PORT)]},
    "periodSeconds": 2,
    "timeoutSeconds": 60,
}
"""A probe from inside, which no policy can be in the way of."""


def listener(name: str, labels: dict[str, str]) -> dict[str, Any]:
    """A pod that is ready when it listens."""
    made = pod(name, labels, LISTEN)
    made["spec"]["containers"][0]["readinessProbe"] = LISTENS
    return made


def pod(name: str, labels: dict[str, str], script: str, *arguments: str) -> dict[str, Any]:
    """A pod that the operator takes no notice of and the policies do."""
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
        "containers": [container],
    }
    metadata = {"name": name, "namespace": NAMESPACE, "labels": {**labels, "probe-of": "network-policies"}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def create(*pods: dict[str, Any]) -> None:
    kubectl("create", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(pods)}))


def registry() -> tuple[str, str]:
    """Host and port of the registry, as pods reach it."""
    deployment = json.loads(kubectl("get", "deploy", RELEASE, "-n", NAMESPACE, "-o", "json"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    host, _, port = {one["name"]: one.get("value", "") for one in container["env"]}[
        "SWEFOUNDRY_REGISTRY_PUSH"
    ].partition(":")
    return host, port or "443"


def address_of(name: str) -> str:
    """A pod's address, once it listens."""
    kubectl("wait", "--for=condition=Ready", f"pod/{name}", "-n", NAMESPACE, f"--timeout={TIMEOUT_SECONDS}s")
    return kubectl("get", "pod", name, "-n", NAMESPACE, "-o", "jsonpath={.status.podIP}")


@pytest.fixture(scope="module")
def results() -> Iterator[dict[str, bool]]:
    """Which probes got through; all of them run at once."""
    run = uuid4().hex[:6]
    names = {what: f"probe-{run}-{index}" for index, what in enumerate(PROBES)}
    values = json.loads(helm("get", "values", RELEASE, "-n", NAMESPACE, "--all", "-o", "json"))
    if not values["networkPolicy"]["enabled"]:
        pytest.skip("this release has no network policies")
    if not values["scriptedModel"]["enabled"]:
        names = {what: name for what, name in names.items() if PROBES[what].what != "model"}
    try:
        listeners = {"plain": f"listen-{run}-plain", "evaluation": f"listen-{run}-evaluation"}
        create(
            listener(listeners["plain"], NOBODY),
            listener(listeners["evaluation"], EVALUATION),
        )
        targets = {what: (address_of(name), str(PORT)) for what, name in listeners.items()}
        targets |= {"registry": registry(), "model": MODEL}
        create(*(probe_pod(name, PROBES[what], targets) for what, name in names.items()))
        yield {what: succeeded(name) for what, name in names.items()}
    finally:
        kubectl("delete", "pod", "-n", NAMESPACE, "-l", "probe-of=network-policies", "--wait=false")


def probe_pod(name: str, probe: Probe, targets: dict[str, tuple[str, str]]) -> dict[str, Any]:
    if probe.what == "names":
        return pod(name, probe.labels, RESOLVE, "kubernetes.default.svc.cluster.local")
    return pod(name, probe.labels, CONNECT, *targets[probe.what])


def succeeded(name: str) -> bool:
    """Whether the pod ended well."""
    ended = "jsonpath={.status.containerStatuses[0].state.terminated}"
    kubectl("wait", f"--for={ended}", f"pod/{name}", "-n", NAMESPACE, f"--timeout={TIMEOUT_SECONDS}s")
    phase = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"
    return kubectl("get", "pod", name, "-n", NAMESPACE, "-o", phase) == "0"


@pytest.mark.parametrize("what", PROBES)
def test_it_holds_that(results: dict[str, bool], what: str) -> None:
    if what not in results:
        pytest.skip("this release has no scripted model")
    assert results[what] is PROBES[what].gets_through
