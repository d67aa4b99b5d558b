"""Every part of a move: whose pod it is about, what is written down of the attempt that ended, what comes next."""

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from builders import NONCE, NOW, a_pod, terminated, waiting
from swefoundry.api import reasons
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.settings import Settings
from swefoundry.workloads.decide import (
    CollectResult,
    FailAttempt,
    RetryAttempt,
    StartPod,
    Wait,
    WorkState,
    after_lost_log,
    hold_if_suspended,
    next_move,
)
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult
from swefoundry.workloads.pod_snapshot import PodSnapshot

SETTINGS = Settings(
    max_infra_retries=2,
    retry_seconds=10,
    pull_grace_seconds=300,
    start_grace_seconds=60,
)
WORK = "before-0"


def state(running: Sequence[Attempt] = (), pods: Sequence[PodSnapshot] = ()) -> WorkState:
    return WorkState(running, pods, NOW, SETTINGS)


def an_attempt(number: int = 0, **fields: Any) -> Attempt:
    """An attempt as it is written down of `a_pod`."""
    known = {"pod": f"pod-{WORK}-{number}", "uid": f"uid-of-{WORK}-{number}", "node": "node-1"}
    return Attempt(work=WORK, number=number, **(known | fields))


def ended_with(code: int, **record: Any) -> dict[str, Any]:
    return terminated(code, json.dumps({"nonce": NONCE, "code": code} | record))


def test_pods_of_other_work_do_not_count() -> None:
    assert next_move(WORK, state(pods=[a_pod("after-0")])) == StartPod(WORK)


def test_pods_of_earlier_attempts_do_not_count() -> None:
    planned = an_attempt(1, uid=None, pod="", memory_factor=2)
    assert next_move(WORK, state([planned], [a_pod(WORK, 0, terminated(137))])) == StartPod(WORK, 1, 2)


def test_a_waiting_pod_gives_its_reason_and_message() -> None:
    pod = a_pod(WORK, status=waiting("ErrImagePull", "connection refused"))
    assert next_move(WORK, state([an_attempt()], [pod])) == Wait(
        WORK, "ImagePullTransient", "connection refused", warnings_of=pod.uid
    )


def test_a_running_pod_is_waited_for() -> None:
    pod = a_pod(WORK, status={"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]})
    assert next_move(WORK, state([an_attempt()], [pod])) == Wait(WORK, "Running")


def test_a_result_is_collected_with_its_record() -> None:
    pod = a_pod(WORK, status=ended_with(1, stage="before"))
    result = PodResult(1, {"nonce": NONCE, "code": 1, "stage": "before"}, 30.0)
    assert next_move(WORK, state([an_attempt()], [pod])) == CollectResult(WORK, pod, result)


@pytest.mark.parametrize(
    ("status", "limit"),
    [
        (waiting("CreateContainerError", "no such command"), 60),
        (waiting("ErrImagePull", "connection refused"), 300),
    ],
    ids=["start", "pull"],
)
def test_each_grace_period_is_the_settings(status: dict[str, Any], limit: int) -> None:
    def move(age: int) -> object:
        created = (NOW - timedelta(seconds=age)).isoformat()
        return next_move(WORK, state([an_attempt()], [a_pod(WORK, status=status, creationTimestamp=created)]))

    assert isinstance(move(limit), Wait)
    assert isinstance(move(limit + 1), RetryAttempt | FailAttempt)


def test_a_lost_pod_is_recorded_and_the_next_attempt_is_planned() -> None:
    move = next_move(WORK, state([an_attempt(memory_factor=2)]))
    assert isinstance(move, RetryAttempt) and move.ended.message
    fault = {"outcome": "Infrastructure", "reason": "PodLost", "message": move.ended.message, "seconds": 0.0}
    planned = Attempt(
        work=WORK,
        number=1,
        pod="",
        memory_factor=2,
        message=move.ended.message,
        not_before=NOW + timedelta(seconds=10),
    )
    assert move == RetryAttempt(WORK, an_attempt(memory_factor=2, **fault), planned)


def test_the_last_fault_fails_the_attempt_with_all_that_is_known() -> None:
    pod = a_pod(WORK, 2, terminated(3))
    fault = PodFault(FaultCategory.INFRASTRUCTURE, "NoRecord", "exit code 3 without a record", 3, 30.0)
    ended = an_attempt(
        2, outcome="Infrastructure", reason="NoRecord", message=fault.message, exit_code=3, seconds=30.0
    )
    assert next_move(WORK, state([an_attempt(2)], [pod])) == FailAttempt(WORK, ended, fault)


def test_the_time_to_wait_for_is_forgotten_once_the_attempt_has_ended() -> None:
    begun = an_attempt(1, not_before=NOW - timedelta(seconds=5))
    move = next_move(WORK, state([begun]))
    assert isinstance(move, RetryAttempt) and move.ended.not_before is None


DELETED = {"deletionTimestamp": NOW.isoformat()}
DISRUPTED = {
    "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}]
}


@pytest.mark.parametrize(
    ("code", "status", "meta", "category", "reason"),
    [
        (ExitCode.INFRASTRUCTURE, {}, {}, "Infrastructure", "RegistryFault"),
        (ExitCode.PUSH_FAILED, {}, {}, "Infrastructure", "RegistryFault"),
        (ExitCode.INFRASTRUCTURE, {}, DELETED, "Infrastructure", "PodDeleted"),
        (ExitCode.INFRASTRUCTURE, DISRUPTED, DELETED, "Infrastructure", "PreemptionByScheduler"),
        (ExitCode.MODEL_UNAVAILABLE, {}, {}, "Infrastructure", "ModelUnavailable"),
        (ExitCode.UPSTREAM_UNAVAILABLE, {}, {}, "Infrastructure", "UpstreamUnavailable"),
        (ExitCode.ADDRESS_UNREACHABLE, {}, {}, "Infrastructure", "AddressUnreachable"),
        (ExitCode.REFERENCE_MISSING, {}, {}, "Configuration", "ReferenceMissing"),
    ],
)
def test_codes_of_infrastructure_faults_are_retried(
    code: ExitCode, status: dict[str, Any], meta: dict[str, Any], category: str, reason: str
) -> None:
    pod = a_pod(WORK, status=ended_with(code, message="why" * 1000) | status, **meta)
    move = next_move(WORK, state([an_attempt()], [pod]))
    assert isinstance(move, RetryAttempt)
    assert move.ended == an_attempt(
        outcome=category, reason=reason, message=("why" * 1000)[:2000], exit_code=code, seconds=30.0
    )


def test_a_record_without_a_message_leaves_none() -> None:
    move = next_move(WORK, state([an_attempt()], [a_pod(WORK, status=ended_with(ExitCode.INFRASTRUCTURE))]))
    assert isinstance(move, RetryAttempt) and (move.ended.message, move.planned.message) == (None, None)


def test_a_suspended_task_waits_with_the_reason_suspended() -> None:
    held = hold_if_suspended(StartPod(WORK), True)
    assert isinstance(held, Wait) and held.message
    assert held == Wait(WORK, reasons.SUSPENDED, held.message)
    assert hold_if_suspended(StartPod(WORK), False) == StartPod(WORK)


@pytest.mark.parametrize("factor", [None, 2])
def test_a_result_without_its_log_is_retried(factor: int | None) -> None:
    running = [] if factor is None else [an_attempt(memory_factor=factor)]
    collected = CollectResult(WORK, a_pod(WORK), PodResult(1, {}, 12.0))
    move = after_lost_log(collected, state(running))
    assert isinstance(move, RetryAttempt) and move.ended.message
    ended = an_attempt(
        memory_factor=factor or 1,
        outcome="Infrastructure",
        reason="LogLost",
        message=move.ended.message,
        exit_code=1,
        seconds=12.0,
    )
    planned = Attempt(
        work=WORK,
        number=1,
        pod="",
        memory_factor=factor or 1,
        message=move.ended.message,
        not_before=NOW + timedelta(seconds=10),
    )
    assert move == RetryAttempt(WORK, ended, planned)
