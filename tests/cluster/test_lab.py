"""The lab is a real cluster: exit codes show in status, names resolve, policies hold on every node."""

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

from cluster.sample_instances import TIMEOUT_SECONDS, wait_until
from swefoundry_lab.layout import Lab

LAB = Lab.from_environment()
KUBECTL = shutil.which("kubectl") or str(LAB.bin / "kubectl")

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(os.environ.get("SWEFOUNDRY_CLUSTER") == "current", reason="about the lab itself"),
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
    ended = subprocess.run(
        argv, input=stdin, capture_output=True, text=True, timeout=2 * TIMEOUT_SECONDS, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


class Playground:
    """A namespace of its own, and short ways to put things into it."""

    def __init__(self) -> None:
        self.name = f"lab-test-{uuid.uuid4().hex[:6]}"
        kubectl("create", "namespace", self.name)

    def apply(self, *objects: dict[str, Any]) -> None:
        kubectl("apply", "-n", self.name, "-f", "-", stdin=json.dumps(a_list(*objects)))

    def run(self, name: str, *command: str, **spec: Any) -> dict[str, Any]:
        """Run a pod to its end; what its container's status says then."""
        self.apply(a_pod(name, *command, **spec))
        kubectl("wait", "-n", self.name, f"pod/{name}", f"--timeout={TIMEOUT_SECONDS}s", "--for", ENDED)
        status = json.loads(kubectl("get", "pod", "-n", self.name, name, "-o", "json"))["status"]
        return dict(status["containerStatuses"][0]["state"]["terminated"])

    def logs(self, name: str) -> str:
        return kubectl("logs", "-n", self.name, name)

    def connect(self, name: str, *targets: str) -> dict[str, str]:
        """Which addresses a pod can open a TCP connection to."""
        said = kubectl("exec", "-n", self.name, name, "--", "python3", "-c", CONNECT, *targets)
        return dict(line.split() for line in said.splitlines())


ENDED = "jsonpath={.status.containerStatuses[0].state.terminated.exitCode}"


def a_list(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


def a_pod(name: str, *command: str, **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "python:3.11-slim", "command": list(command)}
    defaults = {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0, "containers": [container]}
    metadata = {"name": name, "labels": {"app": name}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {**defaults, **spec}}


def a_policy(**spec: Any) -> dict[str, Any]:
    kind = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}
    return {**kind, "metadata": {"name": "policy"}, "spec": spec}


@pytest.fixture
def playground() -> Iterator[Playground]:
    made = Playground()
    yield made
    kubectl("delete", "namespace", made.name, "--wait=false")


@pytest.mark.parametrize("code", [0, 3, 137])
def test_a_pods_exit_code_is_in_its_status(playground: Playground, code: int) -> None:
    assert playground.run("ends", "sh", "-c", f"exit {code}")["exitCode"] == code


def test_root_in_a_pod_can_be_nobody_outside(playground: Playground) -> None:
    ended = playground.run("userns", "sh", "-c", "id -u; cut -c1-22 /proc/self/uid_map", hostUsers=False)
    assert ended["exitCode"] == 0
    inside, mapping = playground.logs("userns").splitlines()
    assert inside == "0" and int(mapping.split()[1]) >= 65536


def test_pods_know_the_registry_and_the_git_server_by_name_from_their_first_moment(
    playground: Playground,
) -> None:
    begun = "import socket, time; t = time.monotonic();"
    names = "[socket.gethostbyname(n) for n in ('registry.lab', 'git.lab', 'kubernetes.default.svc.cluster.local')]"
    playground.run("names", "python3", "-c", f"{begun} print(*{names}, time.monotonic() - t)")
    registry, git, api, seconds = playground.logs("names").split()
    assert (registry, git, api) == (LAB.address, LAB.address, "10.96.0.1")
    # A lost first question is asked again after five seconds: the firewall must know the pod before it starts.
    assert float(seconds) < 5


def test_the_restricted_standard_is_enforced(playground: Playground) -> None:
    kubectl("label", "namespace", playground.name, "pod-security.kubernetes.io/enforce=restricted")

    def answer() -> str:  # admission hears of the label a moment later
        try:
            playground.apply(a_pod("root", "true"))
        except AssertionError as refused:
            return str(refused)
        kubectl("delete", "pod", "-n", playground.name, "root", "--now")
        return ""

    assert "violates PodSecurity" in wait_until(answer, bool)


def test_a_pod_that_may_reach_nothing_reaches_nothing_even_at_its_start(playground: Playground) -> None:
    playground.apply(a_policy(podSelector={}, policyTypes=["Egress", "Ingress"]))
    targets = [
        f"{LAB.address}:5000",
        f"{LAB.address}:6443",
        "10.96.0.1:443",
        "10.96.0.10:53",
        "10.244.0.1:10250",
    ]
    playground.run("alone", "python3", "-c", CONNECT, *targets, hostUsers=False)
    assert set(playground.logs("alone").split()) == {*targets, "closed"}


def test_ipv6_is_no_way_around_policies(playground: Playground) -> None:
    bridge = next(
        line for line in Path("/proc/net/if_inet6").read_text().splitlines() if line.endswith("swlab-br")
    )
    target = f"{ip_address(int(bridge.split()[0], 16))}%eth0:10250"
    playground.run("six", "python3", "-c", CONNECT, target)
    assert playground.logs("six").split() == [target, "closed"]


def test_a_policy_opens_exactly_what_it_names(playground: Playground) -> None:
    registry = {"to": [{"ipBlock": {"cidr": f"{LAB.address}/32"}}], "ports": [{"port": 5000}]}
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53}]}
    playground.apply(a_policy(podSelector={}, policyTypes=["Egress"], egress=[registry, dns]))
    playground.apply(a_pod("some", "sleep", "600"))
    kubectl(
        "wait", "-n", playground.name, "pod/some", "--for=condition=Ready", f"--timeout={TIMEOUT_SECONDS}s"
    )
    assert playground.connect(
        "some", "registry.lab:5000", "registry.lab:8418", "10.96.0.10:53", "10.96.0.1:443"
    ) == {
        "registry.lab:5000": "open",
        "registry.lab:8418": "closed",
        "10.96.0.10:53": "open",
        "10.96.0.1:443": "closed",
    }


def test_a_policy_that_comes_and_goes_is_followed(playground: Playground) -> None:
    playground.apply(a_pod("some", "sleep", "600"))
    kubectl(
        "wait", "-n", playground.name, "pod/some", "--for=condition=Ready", f"--timeout={TIMEOUT_SECONDS}s"
    )
    target = f"{LAB.address}:5000"
    assert playground.connect("some", target) == {target: "open"}
    playground.apply(a_policy(podSelector={}, policyTypes=["Egress"]))
    wait_until(lambda: playground.connect("some", target), lambda found: found == {target: "closed"})
    kubectl("delete", "networkpolicy", "-n", playground.name, "policy")
    wait_until(lambda: playground.connect("some", target), lambda found: found == {target: "open"})


def test_pods_of_different_nodes_and_the_same_node_are_kept_apart(playground: Playground) -> None:
    nodes = kubectl("get", "nodes", "-o", "jsonpath={.items[*].metadata.name}").split()
    serve = ("python3", "-m", "http.server", "8000")
    playground.apply(
        *(a_pod(f"server-{n}", *serve, nodeName=n) for n in nodes),
        *(a_pod(f"client-{n}", "sleep", "600", nodeName=n) for n in nodes),
    )
    kubectl(
        "wait",
        "-n",
        playground.name,
        "pod",
        "--all",
        "--for=condition=Ready",
        f"--timeout={TIMEOUT_SECONDS}s",
    )
    addresses = kubectl(
        "get", "pods", "-n", playground.name, "-o", "jsonpath={.items[*].status.podIP}"
    ).split()
    names = kubectl("get", "pods", "-n", playground.name, "-o", "jsonpath={.items[*].metadata.name}").split()
    servers = [f"{a}:8000" for a, name in zip(addresses, names, strict=True) if name.startswith("server")]
    clients = [name for name in names if name.startswith("client")]

    def everywhere() -> dict[str, dict[str, str]]:
        return {client: playground.connect(client, *servers) for client in clients}

    # A server that runs may not listen yet, and a policy that is there is in force a moment later.
    wait_until(everywhere, lambda found: found == dict.fromkeys(clients, dict.fromkeys(servers, "open")))
    servers_only = {
        "matchExpressions": [{"key": "app", "operator": "In", "values": [f"server-{n}" for n in nodes]}]
    }
    playground.apply(a_policy(podSelector=servers_only, policyTypes=["Ingress"]))
    wait_until(everywhere, lambda found: found == dict.fromkeys(clients, dict.fromkeys(servers, "closed")))
