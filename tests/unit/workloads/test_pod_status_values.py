"""All parts of what a pod status is read as: categories, reasons, exit codes, times, and the edges of grace periods."""

from datetime import timedelta
from typing import Any

import pytest

from builders import NOW, pod_body, terminated, waiting
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodState, PodWaiting
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import STUCK_SECONDS, GracePeriods, read_pod

GRACE = GracePeriods(pull=300, start=60)
STUCK = timedelta(seconds=STUCK_SECONDS)
SECOND = timedelta(seconds=1)


def read(
    status: dict[str, Any], *, age: float = 120, spec: dict[str, Any] | None = None, **meta: Any
) -> PodState:
    """The state of a pod that was created ``age`` seconds ago."""
    body = pod_body(status=status, creationTimestamp=(NOW - timedelta(seconds=age)).isoformat(), **meta)
    return read_pod(read_snapshot(body | ({} if spec is None else {"spec": spec})), NOW, GRACE)


def facts(state: PodState) -> tuple[FaultCategory, str, int | None, float]:
    """All of a fault but its message, which must not be empty."""
    assert isinstance(state, PodFault) and state.message, state
    return state.category, state.reason, state.exit_code, state.seconds


@pytest.mark.parametrize(
    "status",
    [
        {"phase": "Failed", "reason": "NodeShutdown", "message": "gone"},
        {"phase": "Failed", "message": "Pod was terminated in response to imminent node shutdown."},
        {"phase": "Unknown", "message": "no report"},
    ],
    ids=["a reason of the node", "a message of the node", "an unknown phase"],
)
def test_each_sign_of_a_lost_node_is_enough(status: dict[str, Any]) -> None:
    assert facts(read(status)) == (FaultCategory.INFRASTRUCTURE, "NodeLost", None, 0.0)


@pytest.mark.parametrize(
    ("exit_code", "reason"),
    [(1, "StartError"), (1, "ContainerCannotRun"), (126, "Error"), (127, "Error"), (128, "Error")],
)
def test_each_sign_of_an_unstartable_image_is_enough(exit_code: int, reason: str) -> None:
    state = read(terminated(exit_code, "exec: no such file", reason))
    assert facts(state) == (FaultCategory.ENVIRONMENT, "EntrypointMissing", exit_code, 30.0)


@pytest.mark.parametrize("exit_code", [125, 129])
def test_neighbouring_exit_codes_are_not_faults_of_the_image(exit_code: int) -> None:
    state = read(terminated(exit_code))
    assert facts(state) == (FaultCategory.INFRASTRUCTURE, "NoRecord", exit_code, 30.0)


@pytest.mark.parametrize(
    "message", ['{"code": 1}', '["nonce"]', '"nonce"', "null", "1"], ids=lambda text: f"message {text}"
)
def test_json_that_is_no_record_is_none(message: str) -> None:
    state = read(terminated(1, message))
    assert facts(state) == (FaultCategory.INFRASTRUCTURE, "NoRecord", 1, 30.0)


def test_a_container_that_ended_gives_its_exit_code_and_time_to_the_fault() -> None:
    state = read(terminated(137, reason="OOMKilled"))
    assert facts(state) == (FaultCategory.LIMIT, "OOMKilled", 137, 30.0)


def test_long_messages_are_cut_to_what_a_status_holds() -> None:
    state = read(terminated(128, "x" * 2001, "StartError"))
    assert isinstance(state, PodFault) and state.message == "x" * 2000


@pytest.mark.parametrize(
    "reason", ["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"]
)
def test_every_reason_of_the_pull_is_waited_for_and_then_a_fault(reason: str) -> None:
    status = waiting(reason, "connection refused")
    assert read(status, age=300) == PodWaiting("ImagePullTransient", "connection refused")
    assert facts(read(status, age=301)) == (FaultCategory.INFRASTRUCTURE, "ImagePullTransient", None, 0.0)


@pytest.mark.parametrize("reason", ["InvalidImageName", "ErrImageNeverPull"])
def test_an_image_that_can_never_be_pulled_is_not_waited_for(reason: str) -> None:
    state = read(waiting(reason, "bad name"), age=0)
    assert facts(state) == (FaultCategory.CONFIGURATION, reason, None, 0.0)


@pytest.mark.parametrize("reason", ["CreateContainerError", "RunContainerError", "CreatePodSandboxError"])
def test_faults_of_the_runtime_are_waited_for_and_then_faults(reason: str) -> None:
    status = waiting(reason, "runtime says no")
    assert read(status, age=60) == PodWaiting(reason, "runtime says no")
    assert facts(read(status, age=61)) == (FaultCategory.INFRASTRUCTURE, reason, None, 0.0)


def test_a_container_that_is_created_for_longer_than_any_pull_is_tried_on_another_node() -> None:
    status = waiting("ContainerCreating")
    assert read(status, age=300) == PodWaiting("ContainerCreating")
    assert facts(read(status, age=301)) == (FaultCategory.INFRASTRUCTURE, "ContainerCreating", None, 0.0)


def test_a_pod_may_wait_for_other_reasons_for_as_long_as_it_likes() -> None:
    assert read(waiting("PodInitializing"), age=5000) == PodWaiting("Pending")


DELETED = (FaultCategory.INFRASTRUCTURE, "PodDeleted", None, 0.0)


def test_a_deleted_pod_is_waited_for_until_its_kubelet_must_be_lost() -> None:
    running = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}
    assert read(running, deletionTimestamp=(NOW - STUCK).isoformat()) == PodWaiting("Terminating")
    assert facts(read(running, deletionTimestamp=(NOW - STUCK - SECOND).isoformat())) == DELETED


def test_a_deleted_pod_that_no_node_has_taken_is_gone_at_once() -> None:
    assert facts(read({"phase": "Pending"}, spec={}, deletionTimestamp=NOW.isoformat())) == DELETED


def test_a_container_is_lost_when_nobody_ended_it_at_its_deadline() -> None:
    running = {
        "phase": "Running",
        "startTime": (NOW - STUCK - timedelta(seconds=100)).isoformat(),
        "containerStatuses": [{"state": {"running": {}}}],
    }
    lost = (FaultCategory.INFRASTRUCTURE, "Stuck", None, 0.0)
    assert facts(read(running, spec={"nodeName": "node-1", "activeDeadlineSeconds": 100})) == lost
    state = read(running, spec={"nodeName": "node-1", "activeDeadlineSeconds": 101})
    assert not isinstance(state, PodFault)


@pytest.mark.parametrize(
    ("left", "ending"),
    [
        ("the spec cannot be read\nTraceback\n  File", ": the spec cannot be read"),
        ('{"v": 1, "cut off', ""),
        ("", ""),
    ],
    ids=["a message", "a record that is cut off", "nothing"],
)
def test_the_first_line_that_a_program_left_explains_a_missing_record(left: str, ending: str) -> None:
    state = read(terminated(3, left))
    assert isinstance(state, PodFault)
    assert (state.reason, state.message) == ("NoRecord", f"exit code 3 without a record{ending}")
