"""The lab comes and goes without a trace. Takes the lab down, so it runs only when asked: `make test-lab`."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from lab.machine import Machine, differences, look
from swefoundry_lab.layout import SOURCES, Lab

pytestmark = pytest.mark.skipif(
    os.environ.get("SWEFOUNDRY_LAB_CYCLE") != "1", reason="takes the lab down; set SWEFOUNDRY_LAB_CYCLE=1"
)

LAB = Lab.from_environment()
COMMAND = [sys.executable, "-m", "swefoundry_lab"]
ENVIRONMENT = {**LAB.environment(), "PYTHONPATH": str(SOURCES)}
MADE_FOR_NAMESPACES = {"/etc/cni/net.d", "/run/netns", "/var/run/netns"}
"""What the first network namespace of a machine brings with it; `down` takes it away."""
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
    done = subprocess.run(
        [*COMMAND, *arguments], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def kubectl(*arguments: str, stdin: str = "") -> str:
    argv = [str(LAB.bin / "kubectl"), "--kubeconfig", str(LAB.kubeconfig), *arguments]
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, check=True).stdout


def settled() -> Machine:
    """The machine once the pods that are to run do, and those that are to end have ended."""
    kubectl("wait", "pod", "--all", "--all-namespaces", "--for=condition=Ready", "--timeout=120s")
    seen = look(LAB)
    for _ in range(30):
        time.sleep(2)
        seen, before = look(LAB), seen
        if set(differences(before, seen)) <= {"firewall"}:
            return seen
    raise AssertionError("the machine does not come to rest")


@pytest.fixture(scope="module")
def bare() -> Machine:
    """The machine without a lab."""
    lab("down")
    seen = look(LAB)
    assert not seen.processes
    assert "swlab" not in str(seen) and "kube" not in seen.firewall and "CNI-" not in seen.firewall
    return seen


def test_down_leaves_nothing_of_a_busy_lab_with_two_nodes(bare: Machine) -> None:
    lab("up", "--nodes", "2")
    kubectl("apply", "-f", "-", stdin=json.dumps(BUSY_PODS))
    kubectl("wait", "--for=condition=Ready", "--timeout=60s", "pod/busy-lab-1", "pod/busy-lab-2")
    assert "CNI-" in look(LAB).firewall
    lab("down")
    assert differences(bare, look(LAB)) == {}


def test_a_second_node_can_be_killed_started_and_removed(bare: Machine) -> None:
    lab("up")
    kubectl("delete", "pod", "busy-lab-1", "busy-lab-2", "--ignore-not-found", "--force")
    one = settled()
    lab("up", "--nodes", "2")
    lab("node", "kill", "lab-2")
    kubectl("wait", "node/lab-2", "--for=condition=Ready=Unknown", "--timeout=60s")
    lab("node", "start", "lab-2")
    kubectl("wait", "node/lab-2", "--for=condition=Ready=True", "--timeout=60s")
    lab("node", "remove", "lab-2")
    left = differences(one, settled())
    left.pop("firewall", None)  # the counters of the first node's rules go on
    for kind in ("files", "mounts"):
        assert set(left.pop(kind, ())) <= MADE_FOR_NAMESPACES
    assert left == {}
    assert kubectl("get", "nodes", "-o", "name") == "node/lab-1\n"


@pytest.mark.parametrize("seconds", [0.7, 1.5, 3.0, 4.5])
def test_a_killed_up_leaves_nothing_that_down_does_not_find(bare: Machine, seconds: float) -> None:
    up = subprocess.Popen([*COMMAND, "up"], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    time.sleep(seconds)
    up.send_signal(signal.SIGKILL)
    up.wait()
    lab("down")
    assert differences(bare, look(LAB)) == {}


def test_a_killed_up_can_be_repeated(bare: Machine) -> None:
    up = subprocess.Popen([*COMMAND, "up"], env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    time.sleep(2)
    up.send_signal(signal.SIGKILL)
    up.wait()
    lab("up")
    assert kubectl("get", "--raw", "/readyz") == "ok"


def test_what_died_is_started_again(bare: Machine) -> None:
    lab("up")
    for pid_file in LAB.run.glob("*.pid"):
        os.kill(json.loads(pid_file.read_text())["pid"], signal.SIGKILL)
    lab("up")
    lab("status")
