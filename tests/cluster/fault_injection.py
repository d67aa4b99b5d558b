"""Faults for a real cluster, and the assertions about instances that were in progress during a fault."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cluster.commands import KUBECONFIG, LAB, ON_LAB, kubectl
from cluster.sample_instances import (
    SHELL_BUG,
    SHELL_FIX,
    SHELL_TESTS,
    Json,
    SampleRepository,
    a_task,
    delete,
    get,
    make_repository,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)
from swefoundry_lab import daemons, up
from swefoundry_lab.faults import start_node
from swefoundry_lab.layout import Lab
from swefoundry_lab.steps import Steps

lab_only = pytest.mark.skipif(not ON_LAB, reason="only the lab's own programs may be killed")

OPERATOR = "app.kubernetes.io/component=operator"
OPERATOR_NAMESPACE = "swefoundry"

UNDISTURBED_VERDICTS = {
    "fail2pass": ("Validated", "fail2pass", "Fail2Pass"),
    "pass2pass": ("Rejected", "pass2pass", "Pass2Pass"),
    "fail2fail": ("Rejected", "fail2fail", "Fail2Fail"),
    "error2pass": ("Rejected", "error2pass", "Error2Pass"),
}
"""Phase, verdict and reason that `test_verdicts.py` expects for the same repositories without a fault."""

CHECK_SCRIPTS = {
    "fail2pass": SHELL_TESTS,
    "pass2pass": {"check.sh": "exit 0\n"},
    "fail2fail": {"check.sh": "exit 1\n"},
    "error2pass": {"check.sh": "[ -e helper.sh ] || exit 3\n"},
}

Attempt = tuple[str, str, str, str]
"""Kind and name of the owner, work, number."""


def repository_for(case: str, name: str) -> SampleRepository:
    """A repository whose verdict without a fault is ``case``."""
    return make_repository(name, SHELL_BUG, CHECK_SCRIPTS[case], {**SHELL_FIX, "helper.sh": "true\n"})


def an_instance(case: str, command: str = "sh check.sh", namespace: str = "swefoundry") -> Json:
    """A new TaskInstance whose verdict without a fault is ``case``."""
    name = unique(f"fault-{case}")
    return a_task(name, repository_for(case, name), command, namespace)


def name_of(task: Json) -> str:
    return str(task["metadata"]["name"])


class PodRecorder:
    """Records the UIDs of all task pods by attempt, from a watch."""

    def __init__(self) -> None:
        self.uids: dict[Attempt, set[str]] = defaultdict(set)
        self._stopped = False
        self._watch: subprocess.Popen[str] | None = None
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "PodRecorder":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        if self._watch is not None:
            self._watch.kill()
        self._thread.join(timeout=10)

    def _read(self) -> None:
        key = "metadata.labels.swefoundry\\.dev/"
        paths = [f".{key}owner-kind", f".{key}owner", f".{key}work", f".{key}attempt", ".metadata.uid"]
        columns = ",".join(f"C{number}:{path}" for number, path in enumerate(paths))
        command = [LAB / "bin" / "kubectl", "get", "pods", "-A", "-l", "swefoundry.dev/role", "-w"]
        environment = {**os.environ, "KUBECONFIG": str(KUBECONFIG)}
        while not self._stopped:  # a watch ends with its API server
            self._watch = subprocess.Popen(
                [*command, "--no-headers", "-o", f"custom-columns={columns}"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=environment,
            )
            assert self._watch.stdout is not None
            for line in self._watch.stdout:
                if len(fields := line.split()) == len(paths):  # the end of a watch may cut a line
                    kind, owner, work, number, uid = fields
                    self.uids[kind, owner, work, number].add(uid)
            self._watch.wait()
            time.sleep(0.2)

    def attempts_of(self, name: str) -> dict[str, set[str]]:
        """Kind, work and number -> UIDs of the pods of an instance and of its EnvBuild, which has the same name."""
        found = {"/".join((key[0], *key[2:])): uids for key, uids in self.uids.items() if key[1] == name}
        return dict(sorted(found.items()))

    def numbers_of(self, name: str) -> set[str]:
        """Numbers of the attempts; only ``0`` when no pod was lost."""
        return {attempt.rpartition("/")[2] for attempt in self.attempts_of(name)}


@contextmanager
def recorded_pods() -> Iterator[PodRecorder]:
    """Record task pods until the block ends."""
    with PodRecorder() as recorder:
        yield recorder


def assert_undisturbed_verdicts(
    recorder: PodRecorder, expected: dict[str, str], namespace: str = "swefoundry"
) -> None:
    """Each instance (name -> case) gets the verdict of a run without a fault, one pod per attempt; nothing is left."""
    statuses = {name: wait_until_finished(name, namespace=namespace) for name in expected}
    assert {name: verdict_of(status) for name, status in statuses.items()} == {
        name: UNDISTURBED_VERDICTS[case] for name, case in expected.items()
    }, json.dumps({name: status.get("attempts") for name, status in statuses.items()}, indent=1)
    for name in expected:
        attempts = recorder.attempts_of(name)
        assert attempts and {attempt: len(uids) for attempt, uids in attempts.items()} == dict.fromkeys(
            attempts, 1
        )
    wait_until(lambda: pods_of_all(expected, namespace), lambda pods: pods == [])
    delete(*expected, namespace=namespace)
    wait_until(
        lambda: [get(kind, name, namespace) for kind in ("ti", "eb") for name in expected],
        lambda objects: not any(objects),
    )


def pods_of_all(names: dict[str, str], namespace: str) -> list[str]:
    """Names of the pods of these instances and of their EnvBuilds."""
    selector = f"swefoundry.dev/owner in ({','.join(names)})"
    return kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "name").split()


def running_pods(name: str, role: str, namespace: str = "swefoundry") -> list[Json]:
    """Pods of an instance with this role whose container is running."""
    selector = f"swefoundry.dev/owner={name},swefoundry.dev/role={role}"
    pods = json.loads(kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "json"))["items"]
    return [pod for pod in pods if is_running(pod)]


def is_running(pod: Json) -> bool:
    states = [item["state"] for item in pod["status"].get("containerStatuses", [])]
    return (
        bool(states)
        and all("running" in state for state in states)
        and "deletionTimestamp" not in pod["metadata"]
    )


def wait_for_running_pods(name: str, role: str, namespace: str = "swefoundry") -> list[Json]:
    """Wait until the instance has a running pod with this role."""
    return list(wait_until(lambda: running_pods(name, role, namespace), bool))


def operator_pods() -> list[Json]:
    pods = kubectl("get", "pods", "-n", OPERATOR_NAMESPACE, "-l", OPERATOR, "-o", "json")
    return list(json.loads(pods)["items"])


def operator_container(other_than: str = "", ready: bool = False) -> str:
    """Wait for a running (or ready) operator; return the id of its container."""

    def container_id() -> str:
        ids = [
            item["containerID"].rpartition("/")[2]
            for pod in operator_pods()
            if is_running(pod)
            for item in pod["status"]["containerStatuses"]
            if item["ready"] or not ready
        ]
        return next((each for each in ids if each != other_than), "")

    return str(wait_until(container_id, bool))


def kill_operator(container: str) -> None:
    """Send SIGKILL to the operator's process in the container."""
    for cgroup in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            in_container = container in cgroup.read_text()
            is_operator = in_container and b"swefoundry" in (cgroup.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if is_operator:
            os.kill(int(cgroup.parent.name), signal.SIGKILL)


def replace_operator_pod() -> None:
    """Delete the operator's pods: a new pod starts at once, while container restarts have a growing back-off."""
    names = [name_of(pod) for pod in operator_pods()]
    kubectl(
        "delete", "pod", *names, "-n", OPERATOR_NAMESPACE, "--grace-period=0", "--force", "--ignore-not-found"
    )


def wait_for_operator() -> None:
    kubectl("rollout", "status", "deploy/swefoundry", "-n", OPERATOR_NAMESPACE, "--timeout=900s")


def lab() -> Lab:
    return Lab.from_environment()


@contextmanager
def stopped(program: str) -> Iterator[None]:
    """Kill one of the lab's programs; start it again when the block ends."""
    daemons.kill(lab(), program)
    try:
        yield
    finally:
        restart(program)


@contextmanager
def suspended(program: str, plane: Lab | None = None) -> Iterator[None]:
    """Suspend a program of the lab, or of another control plane, by SIGSTOP until the block ends; clients wait."""
    record = daemons.read_record(plane or lab(), program)
    assert record is not None and daemons.is_alive(record)
    os.kill(record.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        if daemons.is_alive(record):  # it may have been killed meanwhile
            os.kill(record.pid, signal.SIGCONT)


def restart(program: str) -> None:
    """Start the program and wait until it answers."""
    if program == "registry":
        up.start_registry(lab(), Steps.quiet())
    elif program == "kube-apiserver":
        up.start_control_plane(lab(), Steps.quiet())
    else:
        start_node(lab(), Steps.quiet(), program.removeprefix("kubelet-"))
