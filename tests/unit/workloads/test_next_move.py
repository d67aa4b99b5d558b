"""The next move for one piece of work."""

import json
from datetime import timedelta

import pytest

from builders import NONCE, NOW, a_pod, terminated, waiting
from swefoundry.api.types import Attempt
from swefoundry.settings import Settings
from swefoundry.workloads.decide import (
    CollectResult,
    FailAttempt,
    RetryAttempt,
    StartPod,
    Wait,
    WorkState,
    next_move,
)
from swefoundry.workloads.pod_outcomes import FaultCategory, UnavailableHost

SETTINGS = Settings(max_infra_retries=2, max_outage_retries=4, retry_seconds=10, max_retry_seconds=60)
WORK = "before-0"


def work_state(running=(), pods=()):
    return WorkState(list(running), list(pods), NOW, SETTINGS)


def an_attempt(number=0, **fields):
    return Attempt(
        work=WORK, number=number, pod=f"pod-{WORK}-{number}", uid=f"uid-of-{WORK}-{number}"
    ).model_copy(update=fields)


def done(code):
    return terminated(code, json.dumps({"nonce": NONCE, "code": code, "message": "why"}))


def test_work_without_an_attempt_is_started():
    assert next_move(WORK, work_state()) == StartPod(WORK)


def test_a_pod_that_is_not_in_the_status_is_adopted_and_not_created_again():
    move = next_move(WORK, work_state(pods=[a_pod(WORK)]))
    assert isinstance(move, Wait) and move.adopted == an_attempt(node="node-1")


def test_a_pod_that_is_in_the_status_is_waited_for():
    move = next_move(WORK, work_state([an_attempt()], [a_pod(WORK)]))
    assert move == Wait(WORK, "Pending", warnings_of="uid-of-before-0-0")


@pytest.mark.parametrize(
    ("case", "bound", "explained"),
    [
        ("a pod that just got its node", NOW - timedelta(seconds=30), None),
        ("one that has waited on it", NOW - timedelta(seconds=31), "uid-of-before-0-0"),
    ],
)
def test_events_explain_a_pod_that_has_waited_on_its_node(case, bound, explained):
    scheduled = {"type": "PodScheduled", "status": "True", "lastTransitionTime": bound.isoformat()}
    pod = a_pod(WORK, 0, waiting("ContainerCreating") | {"conditions": [scheduled]})
    move = next_move(WORK, work_state([an_attempt()], [pod]))
    assert move == Wait(WORK, "ContainerCreating", warnings_of=explained)


def test_a_result_is_collected():
    move = next_move(WORK, work_state([an_attempt()], [a_pod(WORK, status=done(1))]))
    assert isinstance(move, CollectResult) and move.result.code == 1


def test_the_newest_attempt_counts_when_a_crash_left_the_status_behind():
    pods = [a_pod(WORK, 0, terminated(137)), a_pod(WORK, 1, done(1))]
    move = next_move(WORK, work_state([an_attempt()], pods))
    assert isinstance(move, CollectResult) and move.pod.attempt == 1


def test_a_vanished_pod_is_retried_after_a_delay():
    move = next_move(WORK, work_state([an_attempt()]))
    assert isinstance(move, RetryAttempt)
    assert (move.ended.reason, move.planned.number, move.planned.uid) == ("PodLost", 1, None)
    assert move.planned.not_before == NOW + timedelta(seconds=10)


def test_the_delay_doubles():
    move = next_move(WORK, work_state([an_attempt(1)]))
    assert isinstance(move, RetryAttempt) and move.planned.not_before == NOW + timedelta(seconds=20)


def test_a_planned_attempt_waits_for_its_time_and_is_then_started():
    planned = an_attempt(1, uid=None, pod="", not_before=NOW + timedelta(seconds=7))
    assert next_move(WORK, work_state([planned])) == Wait(
        WORK, "Backoff", f"next attempt at {NOW + timedelta(seconds=7):%H:%M:%S} UTC", 7.0
    )
    due = planned.model_copy(update={"not_before": NOW})
    assert next_move(WORK, work_state([due])) == StartPod(WORK, 1)


def test_retries_are_limited():
    move = next_move(WORK, work_state([an_attempt(2)], [a_pod(WORK, 2, terminated(0))]))
    assert isinstance(move, FailAttempt) and move.fault.reason == "NoRecord"


def test_a_memory_kill_is_retried_once_with_twice_the_memory():
    killed = terminated(137, reason="OOMKilled")
    first = next_move(WORK, work_state([an_attempt()], [a_pod(WORK, 0, killed)]))
    assert isinstance(first, RetryAttempt) and first.planned.memory_factor == 2
    second = next_move(WORK, work_state([an_attempt(1, memory_factor=2)], [a_pod(WORK, 1, killed)]))
    assert isinstance(second, FailAttempt) and second.fault.reason == "OOMKilled"


def test_a_missing_reference_is_waited_for_without_end_and_with_doubling_delays_up_to_a_day():
    early = next_move(WORK, work_state([an_attempt()], [a_pod(WORK, 0, done(14))]))
    assert isinstance(early, RetryAttempt) and early.ended.reason == "ReferenceMissing"
    pause = next_move(WORK, work_state([early.planned]))
    assert isinstance(pause, Wait) and pause.message.startswith("why; next attempt at ")
    for number, seconds in [(5, 320), (20, 86400), (5000, 86400)]:
        late = next_move(WORK, work_state([an_attempt(number)], [a_pod(WORK, number, done(14))]))
        assert isinstance(late, RetryAttempt)
        assert late.planned.not_before == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "status",
    [
        waiting("ContainerCreating"),
        waiting("ImagePullBackOff", "i/o timeout"),
        {"phase": "Failed", "reason": "DeadlineExceeded"},
    ],
    ids=["a container that is not created", "an image that cannot be pulled", "a pod that never ran"],
)
def test_pods_that_did_no_work_are_replaced_without_end(status):
    created = (NOW - timedelta(hours=1)).isoformat()
    pod = a_pod(WORK, 500, status, creationTimestamp=created)
    move = next_move(WORK, work_state([an_attempt(500)], [pod]))
    assert isinstance(move, RetryAttempt)
    assert move.planned.not_before == NOW + timedelta(seconds=60)


def test_a_host_that_is_away_is_waited_for_without_end():
    record = {"nonce": NONCE, "code": 19, "message": "why", "host": "git.example", "retryAfterSeconds": 60}
    pod = a_pod(WORK, 500, terminated(19, json.dumps(record)))
    move = next_move(WORK, work_state([an_attempt(500)], [pod]))
    assert isinstance(move, RetryAttempt)
    assert (move.ended.outcome, move.ended.reason) == ("Infrastructure", "HostUnavailable")
    assert move.unavailable == UnavailableHost("git.example", "why", 60)
    assert move.planned == Attempt(work=WORK, number=501, pod="", message="why", host="git.example")
    assert next_move(WORK, work_state([move.planned])) == StartPod(WORK, 501, host="git.example")


@pytest.mark.parametrize(
    ("code", "reason"), [(30, "RegistryFault"), (47, "UpstreamUnavailable"), (52, "ModelUnavailable")]
)
def test_hosts_of_all_pods_are_waited_for_by_the_back_off_of_the_host(code, reason):
    record = {"nonce": NONCE, "code": code, "message": "why", "host": "index.example"}
    move = next_move(
        WORK, work_state([an_attempt(3)], [a_pod(WORK, 3, terminated(code, json.dumps(record)))])
    )
    assert isinstance(move, RetryAttempt)
    assert (move.ended.outcome, move.ended.reason) == ("Infrastructure", reason)
    assert move.unavailable == UnavailableHost("index.example", "why")
    assert move.planned == Attempt(work=WORK, number=4, pod="", message="why", host="index.example")


def test_a_host_that_may_be_named_by_mistake_is_not_asked_without_end():
    record = {"nonce": NONCE, "code": 52, "message": "why", "host": "model.example"}
    move = next_move(WORK, work_state([an_attempt(4)], [a_pod(WORK, 4, terminated(52, json.dumps(record)))]))
    assert isinstance(move, FailAttempt) and move.fault.reason == "ModelUnavailable"


@pytest.mark.parametrize("code", [30, 45])
def test_records_of_registry_faults_are_retried(code):
    move = next_move(WORK, work_state([an_attempt()], [a_pod(WORK, 0, done(code))]))
    assert isinstance(move, RetryAttempt) and move.ended.reason == "RegistryFault"


@pytest.mark.parametrize(("number", "seconds"), [(0, 10), (1, 20), (2, 40), (3, 60)])
def test_an_outage_is_waited_for_with_growing_delays_up_to_the_longest(number, seconds):
    move = next_move(WORK, work_state([an_attempt(number)], [a_pod(WORK, number, done(47))]))
    assert isinstance(move, RetryAttempt)
    assert move.planned.not_before == NOW + timedelta(seconds=seconds)


def test_an_outage_that_outlasts_its_retries_is_a_fault_of_the_infrastructure():
    move = next_move(WORK, work_state([an_attempt(4)], [a_pod(WORK, 4, done(47))]))
    assert isinstance(move, FailAttempt)
    assert (move.fault.category, move.fault.reason) == (FaultCategory.INFRASTRUCTURE, "UpstreamUnavailable")


def test_an_address_that_stays_unreachable_is_a_result_of_the_draft():
    early = next_move(WORK, work_state([an_attempt(1)], [a_pod(WORK, 1, done(48))]))
    assert isinstance(early, RetryAttempt) and early.ended.reason == "AddressUnreachable"
    late = next_move(WORK, work_state([an_attempt(2)], [a_pod(WORK, 2, done(48))]))
    assert isinstance(late, CollectResult) and late.result.code == 48
