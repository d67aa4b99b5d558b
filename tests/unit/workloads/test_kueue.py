"""Pods that Kueue queues: they wait for their admission without a place, and are replaced when Kueue stops them.

Kueue's KEP for plain pods has gate, finalizer and condition: https://github.com/kubernetes-sigs/kueue/tree/main/keps/976-plain-pods
The condition's reasons are those of Kueue 0.17, not the one of the KEP.
"""

import pytest

from builders import NOW, pod_body
from swefoundry.api.types import Attempt
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import FailAttempt, RetryAttempt, WorkState, next_move
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodWaiting
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod
from swefoundry.workloads.role_places import PodPlacement, placement_of

GATED = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
}
PREEMPTED = "WorkloadEvictedDueToPreempted"
LIMITED = ["NoMatchingWorkload", "WorkloadEvictedDueToDeactivatedDueToMaximumExecutionTimeExceeded"]


def a_queued_pod(*gates, queue="tasks"):
    body = pod_body(status=GATED)
    body["metadata"]["labels"] |= {"kueue.x-k8s.io/queue-name": queue} if queue else {}
    body["spec"] = {"schedulingGates": [{"name": gate} for gate in gates]}
    return read_snapshot(body)


def a_stopped_pod(reason, attempt=0):
    stop = {"type": "TerminationTarget", "status": "True", "reason": reason, "message": "in Kueue's words"}
    status = {"phase": "Running", "conditions": [stop]}
    return read_snapshot(pod_body(attempt=attempt, status=status, deletionTimestamp="2026-01-01T12:00:00Z"))


def read(pod):
    return read_pod(pod, NOW, GracePeriods())


@pytest.mark.parametrize(
    ("gates", "queue", "message"),
    [
        (["kueue.x-k8s.io/admission"], "tasks", "Kueue has not admitted it to the queue tasks yet"),
        (["kueue.x-k8s.io/admission"], "", "Kueue has not admitted it to a queue yet"),
        (["example.org/a", "example.org/b"], "", "not admitted yet: example.org/a, example.org/b"),
    ],
    ids=["the queue is named", "the default queue has no label", "gates of others are named"],
)
def test_a_gated_pod_waits_with_a_sentence(gates, queue, message):
    assert read(a_queued_pod(*gates, queue=queue)) == PodWaiting("SchedulingGated", message)


def test_a_gated_pod_holds_no_place():
    assert placement_of(a_queued_pod("kueue.x-k8s.io/admission")) is PodPlacement.UNSCHEDULABLE


@pytest.mark.parametrize(
    "reason", [PREEMPTED, "WorkloadEvictedDueToClusterQueueStopped", "WorkloadDeleted", "NotAdmitted"]
)
def test_a_pod_that_kueue_stops_is_a_fault_of_the_cluster_with_kueues_own_reason_and_words(reason):
    assert read(a_stopped_pod(reason)) == PodFault(
        FaultCategory.INFRASTRUCTURE, "StoppedByKueue", f"{reason}: in Kueue's words"
    )


def after_the_last_retry(reason):
    number = Settings().max_infra_retries
    pod = a_stopped_pod(reason, number)
    attempt = Attempt(work=pod.work, number=number, pod=pod.name, uid=pod.uid)
    return next_move(Work.parse(pod.work), WorkState([attempt], [pod], NOW, Settings()))


def test_it_is_replaced_however_often_kueue_stops_it():
    move = after_the_last_retry(PREEMPTED)
    assert isinstance(move, RetryAttempt)
    assert (move.ended.reason, move.planned.number) == (
        "StoppedByKueue",
        Settings().max_infra_retries + 1,
    )


@pytest.mark.parametrize("reason", LIMITED)
def test_a_stop_that_the_next_pod_would_meet_too_counts_as_a_retry(reason):
    move = after_the_last_retry(reason)
    assert isinstance(move, FailAttempt)
    assert move.ended.reason == reason
