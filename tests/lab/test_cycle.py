"""The lab leaves nothing on the machine. The tests stop the running lab, so they run with `make test-lab` only."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lab.machine import Machine, differences, take_snapshot
from swefoundry_lab.layout import SOURCES, Lab

pytestmark = pytest.mark.skipif(
    os.environ.get("SWEFOUNDRY_LAB_CYCLE") != "1", reason="stops the lab; set SWEFOUNDRY_LAB_CYCLE=1"
)

LAB = Lab.from_environment()
COMMAND = [sys.executable, "-m", "swefoundry_lab"]
ENVIRONMENT = {**LAB.environment(), "PYTHONPATH": str(SOURCES)}
NAMESPACE_FOLDERS = {"/etc/cni/net.d", "/run/netns", "/var/run/netns"}
"""Folders that are created with the first network namespace of a machine; `down` removes them."""
BUSY_PODS = {
    "apiVersion": "v1",
    "kind": "List",
    "items": [
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": f"busy-{node}"},
            "spec": {
                "nodeName": node,
                "hostUsers": False,
                "terminationGracePeriodSeconds": 0,
                "volumes": [{"name": "work", "emptyDir": {"medium": "Memory"}}],
                "containers": [
                    {
                        "name": "main",
                        "image": "busybox:stable",
                        "command": ["sh", "-c", "trap '' TERM; sleep 1000 & while true; do sleep 1; done"],
                        "ports": [{"containerPort": 80, "hostPort": 18080, "hostIP": "127.0.0.1"}],
                        "volumeMounts": [{"name": "work", "mountPath": "/work"}],
                    }
                ],
            },
        }
        for node in ("lab-1", "lab-2")
    ],
}


def lab(*arguments: str) -> None:
    result = subprocess.run(
        [*COMMAND, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def kubectl(*arguments: str, stdin: str = "") -> str:
    argv = [str(LAB.bin / "kubectl"), "--kubeconfig", str(LAB.kubeconfig), *arguments]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True).stdout


def stable_machine() -> Machine:
    """Snapshot of the machine when all pods are ready and nothing changes any more."""
    kubectl("wait", "pod", "--all", "--all-namespaces", "--for=condition=Ready", "--timeout=120s")
    current = take_snapshot(LAB)
    for _ in range(30):
        time.sleep(2)
        before, current = current, take_snapshot(LAB)
        if set(differences(before, current)) <= {"firewall"}:
            return current
    raise AssertionError("the machine's state keeps changing")


@pytest.fixture(scope="module")
def without_lab() -> Machine:
    """Snapshot of the machine without a lab."""
    lab("down")
    snapshot = take_snapshot(LAB)
    assert not snapshot.processes
    assert (
        "swlab" not in str(snapshot) and "kube" not in snapshot.firewall and "CNI-" not in snapshot.firewall
    )
    return snapshot


def test_down_removes_a_busy_lab_with_two_nodes(without_lab: Machine) -> None:
    lab("up", "--nodes", "2")
    kubectl("apply", "-f", "-", stdin=json.dumps(BUSY_PODS))
    kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/busy-lab-1", "pod/busy-lab-2")
    assert "CNI-" in take_snapshot(LAB).firewall
    lab("down")
    assert differences(without_lab, take_snapshot(LAB)) == {}


def test_a_second_node_can_be_killed_started_and_removed(without_lab: Machine) -> None:
    lab("up")
    kubectl("delete", "pod", "busy-lab-1", "busy-lab-2", "--ignore-not-found", "--force")
    one_node = stable_machine()
    lab("up", "--nodes", "2")
    lab("node", "kill", "lab-2")
    kubectl("wait", "node/lab-2", "--for=condition=Ready=Unknown", "--timeout=60s")
    lab("node", "start", "lab-2")
    kubectl("wait", "node/lab-2", "--for=condition=Ready=True", "--timeout=60s")
    lab("node", "remove", "lab-2")
    changes = differences(one_node, stable_machine())
    changes.pop("firewall", None)  # the counters of the first node's rules increase
    for kind in ("files", "mounts"):
        assert set(changes.pop(kind, ())) <= NAMESPACE_FOLDERS
    assert changes == {}
    assert kubectl("get", "nodes", "-o", "name") == "node/lab-1\n"


@pytest.mark.parametrize("seconds", [0.7, 1.5, 3.0, 4.5])
def test_down_removes_everything_of_a_killed_up(without_lab: Machine, seconds: float) -> None:
    up = subprocess.Popen([*COMMAND, "up"], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    up.send_signal(signal.SIGKILL)
    up.wait()
    lab("down")
    assert differences(without_lab, take_snapshot(LAB)) == {}


def test_a_killed_up_can_be_repeated(without_lab: Machine) -> None:
    up = subprocess.Popen([*COMMAND, "up"], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    time.sleep(2)
    up.send_signal(signal.SIGKILL)
    up.wait()
    lab("up")
    assert kubectl("get", "--raw", "/readyz") == "ok"


def test_up_starts_killed_programs_again(without_lab: Machine) -> None:
    lab("up")
    for pid_file in LAB.run.glob("*.pid"):
        os.kill(json.loads(pid_file.read_text())["pid"], signal.SIGKILL)
    lab("up")
    lab("status")
