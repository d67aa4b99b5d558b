"""Disturbances of a real cluster, and what must be true of instances that were under way meanwhile."""

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
from rich.console import Console

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
"""What `test_verdicts.py` finds for the same stories when nobody disturbs."""

CHECK_SCRIPTS = {
    "fail2pass": SHELL_TESTS,
    "pass2pass": {"check.sh": "exit 0\n"},
    "fail2fail": {"check.sh": "exit 1\n"},
    "error2pass": {"check.sh": "[ -e helper.sh ] || exit 3\n"},
}

Attempt = tuple[str, str, str, str]
"""Kind and name of the owner, work, number."""


def repository_for(case: str, name: str) -> SampleRepository:
    """A story whose undisturbed verdict is ``case``."""
    return make_repository(name, SHELL_BUG, CHECK_SCRIPTS[case], {**SHELL_FIX, "helper.sh": "true\n"})


def an_instance(case: str, command: str = "sh check.sh", namespace: str = "swefoundry") -> Json:
    """A new TaskInstance whose undisturbed verdict is ``case``."""
    name = unique(f"fault-{case}")
    return a_task(name, repository_for(case, name), command, namespace)


def name_of(task: Json) -> str:
    return str(task["metadata"]["name"])


class PodRecorder:
    """Every task pod that there was while it watched: its UIDs by attempt."""

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
        told = [f".{key}owner-kind", f".{key}owner", f".{key}work", f".{key}attempt", ".metadata.uid"]
        columns = ",".join(f"C{number}:{path}" for number, path in enumerate(told))
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
                if len(told := line.split()) == len(columns.split(",")):  # not broken off by the watch's end
                    kind, owner, work, number, uid = told
                    self.uids[kind, owner, work, number].add(uid)
            self._watch.wait()
            time.sleep(0.2)

    def attempts_of(self, name: str) -> dict[str, set[str]]:
        """Kind, work and number -> UIDs of one instance's pods (its EnvBuild's, which has its name, included)."""
        found = {"/".join((key[0], *key[2:])): uids for key, uids in self.uids.items() if key[1] == name}
        return dict(sorted(found.items()))

    def numbers_of(self, name: str) -> set[str]:
        """Which attempts there were; only ``0`` when no pod was lost."""
        return {attempt.rpartition("/")[2] for attempt in self.attempts_of(name)}


@contextmanager
def recorded_pods() -> Iterator[PodRecorder]:
    """What is under way is watched from here on."""
    with PodRecorder() as seen:
        yield seen


def assert_undisturbed_verdicts(
    seen: PodRecorder, expected: dict[str, str], namespace: str = "swefoundry"
) -> None:
    """All instances (name -> case) get the verdict of an undisturbed run, one pod per attempt, and leave nothing."""
    ended = {name: wait_until_finished(name, namespace=namespace) for name in expected}
    assert {name: verdict_of(status) for name, status in ended.items()} == {
        name: UNDISTURBED_VERDICTS[case] for name, case in expected.items()
    }, json.dumps({name: status.get("attempts") for name, status in ended.items()}, indent=1)
    for name in expected:
        attempts = seen.attempts_of(name)
        assert attempts and {attempt: len(uids) for attempt, uids in attempts.items()} == dict.fromkeys(
            attempts, 1
        )
    wait_until(lambda: pods_of_all(expected, namespace), lambda pods: pods == [])
    delete(*expected, namespace=namespace)
    wait_until(
        lambda: [get(kind, name, namespace) for kind in ("ti", "eb") for name in expected],
        lambda all_: not any(all_),
    )


def pods_of_all(names: dict[str, str], namespace: str) -> list[str]:
    """Names of the pods that belong to some instances or to their EnvBuilds."""
    selector = f"swefoundry.dev/owner in ({','.join(names)})"
    return kubectl("get", "pods", "-n", namespace, "-l", selector, "-o", "name").split()


def running_pods(name: str, role: str, namespace: str = "swefoundry") -> list[Json]:
    """An instance's pods of one role whose container runs."""
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
    """Wait until a pod of that role runs for the instance."""
    return list(wait_until(lambda: running_pods(name, role, namespace), bool))


# The operator


def operator_pods() -> list[Json]:
    found = kubectl("get", "pods", "-n", OPERATOR_NAMESPACE, "-l", OPERATOR, "-o", "json")
    return list(json.loads(found)["items"])


def operator_container(other_than: str = "", working: bool = False) -> str:
    """Wait for a running operator, or one that works; its container's id."""

    def look() -> str:
        ids = [
            item["containerID"].rpartition("/")[2]
            for pod in operator_pods()
            if is_running(pod)
            for item in pod["status"]["containerStatuses"]
            if item["ready"] or not working
        ]
        return next((found for found in ids if found != other_than), "")

    return str(wait_until(look, bool))


def kill_operator(container: str) -> None:
    """SIGKILL to the process inside, as the kernel would."""
    for group in Path("/proc").glob("[0-9]*/cgroup"):
        try:
            ours = container in group.read_text() and b"swefoundry" in (group.parent / "cmdline").read_bytes()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if ours:
            os.kill(int(group.parent.name), signal.SIGKILL)


def replace_operator_pod() -> None:
    """A new pod at once, instead of one whose restarts are held back longer each time."""
    names = [name_of(pod) for pod in operator_pods()]
    kubectl(
        "delete", "pod", *names, "-n", OPERATOR_NAMESPACE, "--grace-period=0", "--force", "--ignore-not-found"
    )


def operator_is_ready() -> None:
    kubectl("rollout", "status", "deploy/swefoundry", "-n", OPERATOR_NAMESPACE, "--timeout=300s")


# The lab's programs


def lab() -> Lab:
    return Lab.from_environment()


def quiet_steps() -> Steps:
    return Steps(Console(quiet=True))


@contextmanager
def stopped(program: str) -> Iterator[None]:
    """One of the lab's programs killed, and started again at the end."""
    daemons.kill(lab(), program)
    try:
        yield
    finally:
        restart(program)


@contextmanager
def suspended(program: str) -> Iterator[None]:
    """One of the lab's programs stands still: who asks it waits until the block ends."""
    record = daemons.read_record(lab(), program)
    assert record is not None and daemons.is_alive(record)
    os.kill(record.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(record.pid, signal.SIGCONT)


def restart(program: str) -> None:
    """Start what does not run and wait until it answers."""
    if program == "registry":
        up.start_registry(lab(), quiet_steps())
    elif program == "kube-apiserver":
        up.start_control_plane(lab(), quiet_steps())
    else:
        start_node(lab(), quiet_steps(), program.removeprefix("kubelet-"))
