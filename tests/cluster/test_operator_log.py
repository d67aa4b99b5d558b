"""The operator's log lines about one instance, and its dump of pods, queue and cache."""

import json
import os
from collections.abc import Iterator

import pytest

from cluster.commands import kubectl, swefoundry
from cluster.sample_instances import (
    NAMESPACE,
    Json,
    a_task,
    apply,
    delete,
    make_shell_repository,
    unique,
    wait_until,
    wait_until_finished,
)

OPERATOR = os.environ.get("SWEFOUNDRY_OPERATOR_NAMESPACE", "swefoundry")
DEPLOYMENT = "deploy/swefoundry"


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    name = unique("logged")
    apply(a_task(name, make_shell_repository(name)))
    assert wait_until_finished(name)["verdict"] == "fail2pass"
    yield name
    delete(name)


def log_lines(name: str) -> list[str]:
    """All lines about the instance: the last ones are written just after its status."""

    def read() -> list[str]:
        log = kubectl("logs", "-n", OPERATOR, DEPLOYMENT, "--tail=-1")
        return [line for line in log.splitlines() if f" name={name} " in f"{line} "]

    return list(wait_until(read, lambda lines: any(" phase=Validated " in line for line in lines)))


def test_the_log_has_each_pod_each_phase_and_the_verdict_once(name: str) -> None:
    lines = log_lines(name)
    for kind, works in (
        ("TaskInstance", ("intake", "base-0", "before-0", "after-0", "leaks-0")),
        ("EnvBuild", ("build-0", "before-0", "after-0")),
    ):
        for work in works:
            about = f"kind={kind} namespace={NAMESPACE} name={name} work={work} "
            assert len([line for line in lines if f'msg="pod started" {about}' in line]) >= 1, about
            assert any(f'msg="pod ended" {about}' in line and "outcome=Finished" in line for line in lines), (
                about
            )
    phases = [line for line in lines if 'msg="phase changed" kind=TaskInstance' in line]
    assert [line.partition(" phase=")[2].split()[0] for line in phases][-1] == "Validated"
    assert len([line for line in lines if "verdict=fail2pass" in line]) == 1
    assert any('msg="round ended"' in line and "strategy=fixed" in line for line in lines)


def dump() -> Json:
    state: Json = json.loads(printed_dump("-o", "json"))
    return state


def printed_dump(*options: str) -> str:
    """What the command prints. A busy operator may not answer within its five seconds."""
    return str(wait_until(lambda: swefoundry("debug", "dump", "-n", OPERATOR, *options, may_fail=True), bool))


def test_the_dump_shows_pods_queue_and_cached_objects(name: str) -> None:
    state = dump()
    assert set(state["pods"]) == {"intake", "build", "evaluation", "agent"}
    assert all(role["active"] >= 0 for role in state["pods"].values())
    assert state["queue"]["ready"] >= 0
    assert NAMESPACE in state["operator"]["namespaces"]
    assert sum(state["cache"]["objects"]["TaskInstance"].values()) >= 1
    assert "Pod places" in printed_dump()


def test_the_dump_names_running_pods_under_held_by() -> None:
    slow = unique("slow")
    apply(a_task(slow, make_shell_repository(slow), command="sleep 20; sh check.sh"))
    try:
        wait_until(lambda: held_by(slow), bool)
    finally:
        delete(slow)


def held_by(name: str) -> list[str]:
    return [pod for role in dump()["pods"].values() for pod in role["heldBy"] if name in pod]


def test_the_signal_writes_the_state_to_the_log() -> None:
    signal = "import os, signal; os.kill(1, signal.SIGUSR2)"
    kubectl("exec", "-n", OPERATOR, DEPLOYMENT, "--", "python", "-c", signal)
    wait_until(
        lambda: kubectl("logs", "-n", OPERATOR, DEPLOYMENT, "--since=60s"),
        lambda log: any("msg=state section=queue ready=" in line for line in log.splitlines()),
        seconds=50,
    )
