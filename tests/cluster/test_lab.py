"""The lab is a conformant cluster: exit codes are in the status, names resolve, policies are enforced on every node."""

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from cluster.sample_instances import A_SHARE, TIMEOUT_SECONDS, wait_until
from swefoundry_lab.layout import Lab

LAB = Lab.from_environment()
KUBECTL = shutil.which("kubectl") or str(LAB.bin / "kubectl")

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("SWEFOUNDRY_CLUSTER") == "current", reason="tests the lab itself"),
]

CONNECT = """
import socket, sys
for target in sys.argv[1:]:
    host, port = target.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=2).close()
        print(target, "open")
    except OSError:
        print(target, "closed")
"""


def kubectl(*arguments: str, stdin: str = "") -> str:
    argv = [KUBECTL, "--kubeconfig", str(LAB.kubeconfig), *arguments]
    result = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, timeout=2 * TIMEOUT_SECONDS, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


class LabNamespace:
    """A new namespace, with methods to create and run pods in it."""

    def __init__(self) -> None:
        self.name = f"lab-test-{uuid.uuid4().hex[:6]}"
        kubectl("create", "namespace", self.name)

    def apply(self, *objects: dict[str, Any]) -> None:
        kubectl("apply", "-n", self.name, "-f", "-", stdin=json.dumps(a_list(*objects)))

    def run(self, name: str, *command: str, **spec: Any) -> dict[str, Any]:
        """Run a pod until its container terminates; return the container's terminated state."""
        self.apply(a_pod(name, *command, **spec))
        kubectl("wait", "-n", self.name, f"pod/{name}", f"--timeout={TIMEOUT_SECONDS}s", "--for", TERMINATED)
        status = json.loads(kubectl("get", "pod", "-n", self.name, name, "-o", "json"))["status"]
        return dict(status["containerStatuses"][0]["state"]["terminated"])

    def logs(self, name: str) -> str:
        return kubectl("logs", "-n", self.name, name)

    def connect(self, name: str, *targets: str) -> dict[str, str]:
        """Open TCP connections from the pod; return `open` or `closed` for each address."""
        output = kubectl("exec", "-n", self.name, name, "--", "python3", "-c", CONNECT, *targets)
        return dict(line.split() for line in output.splitlines())


SLOW_REPEATS = {"options": [{"name": "timeout", "value": "30"}]}
"""A resolver that repeats a lost query after 30 s instead of 5 s, which is more than a busy machine takes to answer."""

HOSTNAME_LABEL = "kubernetes.io/hostname"
"""A selector, not `nodeName`: the kubelet of a full node refuses a pod that the scheduler did not place."""

TERMINATED = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"


def a_list(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def a_pod(name: str, *command: str, **spec: Any) -> dict[str, Any]:
    container = {
        "name": "main",
        "image": "python:3.11-slim",
        "command": list(command),
        "resources": A_SHARE,
    }
    defaults = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**defaults, **spec}}


def a_policy(**spec: Any) -> dict[str, Any]:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**kind, "metadata": {"name": "policy"}, "spec": spec}


@pytest.fixture
def lab_namespace() -> Iterator[LabNamespace]:
    created = LabNamespace()
    yield created
    kubectl("delete", "namespace", created.name, "--wait=false")


def test_the_api_server_answers_from_its_cache_which_old_releases_of_etcd_do_not_allow() -> None:
    parameters = (
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=2"
    )
    lines = kubectl("get", "--raw", f"/api/v1/namespaces?watch=true&{parameters}").splitlines()
    bookmarks = [event for event in map(json.loads, lines) if event["type"] == "BOOKMARK"]
    assert bookmarks[0]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


@pytest.mark.parametrize("code", [0, 3, 137])
def test_the_exit_code_of_a_pod_is_in_its_status(lab_namespace: LabNamespace, code: int) -> None:
    assert lab_namespace.run("ends", "sh", "-c", f"exit {code}")["exitCode"] == code


def test_root_in_a_pod_can_be_mapped_to_an_unprivileged_user(lab_namespace: LabNamespace) -> None:
    result = lab_namespace.run("userns", "sh", "-c", "id -u; cut -c1-22 /proc/self/uid_map", hostUsers=False)
    assert result["exitCode"] == 0
    inside, mapping = lab_namespace.logs("userns").splitlines()
    assert inside == "0" and int(mapping.split()[1]) >= 65536


def test_pods_resolve_the_registry_and_the_git_server_from_their_start(
    lab_namespace: LabNamespace,
) -> None:
    setup = "import socket, time; t = time.monotonic();"
    names = "[socket.gethostbyname(n) for n in ('registry.lab', 'git.lab', 'kubernetes.default.svc.cluster.local')]"
    script = f"{setup} print(*{names}, time.monotonic() - t)"
    lab_namespace.run("names", "python3", "-c", script, dnsConfig=SLOW_REPEATS)
    registry, git, api, seconds = lab_namespace.logs("names").split()
    assert (registry, git, api) == (LAB.address, LAB.address, "10.96.0.1")
    # A lost query is repeated after half a minute: the firewall must know the pod before it starts.
    assert float(seconds) < 25


def test_the_restricted_standard_is_enforced(lab_namespace: LabNamespace) -> None:
    kubectl("label", "namespace", lab_namespace.name, "pod-security.kubernetes.io/enforce=restricted")

    def admission_error() -> str:  # admission sees the new label with a delay
        try:
            lab_namespace.apply(a_pod("root", "true"))
        except AssertionError as error:
            return str(error)
        kubectl("delete", "pod", "-n", lab_namespace.name, "root", "--now")
        return ""

    assert "violates PodSecurity" in wait_until(admission_error, bool)


def test_a_policy_that_denies_everything_is_in_force_from_the_start_of_a_pod(
    lab_namespace: LabNamespace,
) -> None:
    lab_namespace.apply(a_policy(podSelector={}, policyTypes=["Egress", "Ingress"]))
    targets = [
        f"{LAB.address}:5000",
        f"{LAB.address}:6443",
        "10.96.0.1:443",
        "10.96.0.10:53",
        "10.244.0.1:10250",
    ]
    lab_namespace.run("alone", "python3", "-c", CONNECT, *targets, hostUsers=False)
    assert set(lab_namespace.logs("alone").split()) == {*targets, "closed"}


def test_policies_also_apply_to_ipv6(lab_namespace: LabNamespace) -> None:
    bridge = next(
        line for line in Path("/proc/net/if_inet6").read_text().splitlines() if line.endswith("swlab-br")
    )
    target = f"{ip_address(int(bridge.split()[0], 16))}%eth0:10250"
    lab_namespace.run("six", "python3", "-c", CONNECT, target)
    assert lab_namespace.logs("six").split() == [target, "closed"]


def test_a_policy_allows_exactly_the_named_addresses_and_ports(lab_namespace: LabNamespace) -> None:
    registry = {"to": [{"ipBlock": {"cidr": f"{LAB.address}/32"}}], "ports": [{"port": 5000}]}
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}
    lab_namespace.apply(a_policy(podSelector={}, policyTypes=["Egress"], egress=[registry, dns]))
    lab_namespace.apply(a_pod("some", "sleep", "600"))
    kubectl(
        "wait", "-n", lab_namespace.name, "pod/some", "--for=condition=Ready", f"--timeout={TIMEOUT_SECONDS}s"
    )
    assert lab_namespace.connect(
        "some", "registry.lab:5000", "registry.lab:8418", "10.96.0.10:53", "10.96.0.1:443"
    ) == {
        "registry.lab:5000": "open",
        "registry.lab:8418": "closed",
        "10.96.0.10:53": "open",
        "10.96.0.1:443": "closed",
    }


def test_a_created_and_a_deleted_policy_take_effect(lab_namespace: LabNamespace) -> None:
    lab_namespace.apply(a_pod("some", "sleep", "600"))
    kubectl(
        "wait", "-n", lab_namespace.name, "pod/some", "--for=condition=Ready", f"--timeout={TIMEOUT_SECONDS}s"
    )
    target = f"{LAB.address}:5000"
    assert lab_namespace.connect("some", target) == {target: "open"}
    lab_namespace.apply(a_policy(podSelector={}, policyTypes=["Egress"]))
    wait_until(lambda: lab_namespace.connect("some", target), lambda found: found == {target: "closed"})
    kubectl("delete", "networkpolicy", "-n", lab_namespace.name, "policy")
    wait_until(lambda: lab_namespace.connect("some", target), lambda found: found == {target: "open"})


def test_an_ingress_policy_applies_to_pods_of_the_same_and_of_other_nodes(
    lab_namespace: LabNamespace,
) -> None:
    nodes = kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    serve = ("python3", "-m", "http.server", "8000")
    lab_namespace.apply(
        *(a_pod(f"server-{n}", *serve, nodeSelector={HOSTNAME_LABEL: n}) for n in nodes),
        *(a_pod(f"client-{n}", "sleep", "600", nodeSelector={HOSTNAME_LABEL: n}) for n in nodes),
    )
    kubectl(
        "wait",
        "-n",
        lab_namespace.name,
        "pod",
        "--all",
        "--for=condition=Ready",
        f"--timeout={TIMEOUT_SECONDS}s",
    )
    addresses = kubectl(
        "get", "pods", "-n", lab_namespace.name, "-o", "jsonpath={.items[*].status.podIP}"
    ).split()
    names = kubectl(
        "get", "pods", "-n", lab_namespace.name, "-o", "jsonpath={.items[*].metadata.name}"
    ).split()
    servers = [f"{a}:8000" for a, name in zip(addresses, names, strict=True) if name.startswith("server")]
    clients = [name for name in names if name.startswith("client")]

    def connections() -> dict[str, dict[str, str]]:
        return {client: lab_namespace.connect(client, *servers) for client in clients}

    # A running server may not listen yet, and a policy takes effect with a delay.
    wait_until(connections, lambda found: found == dict.fromkeys(clients, dict.fromkeys(servers, "open")))
    servers_only = {
        "matchExpressions": [{"key": "app", "operator": "In", "values": [f"server-{n}" for n in nodes]}]
    }
    lab_namespace.apply(a_policy(podSelector=servers_only, policyTypes=["Ingress"]))
    wait_until(connections, lambda found: found == dict.fromkeys(clients, dict.fromkeys(servers, "closed")))
