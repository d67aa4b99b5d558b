"""Pods that Kueue queues: they wait for their admission without a place, and are replaced when Kueue stops them.

What Kueue sets is in its KEP for plain pods: https://github.com/kubernetes-sigs/kueue/tree/main/keps/976-plain-pods
"""

import pytest

from builders import NOW, pod_body
from swefoundry.api.types import Attempt
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.decide import RetryAttempt, WorkState, next_move
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodWaiting
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod
from swefoundry.workloads.role_places import PodPlacement, placement_of

GATED = {
    "phase": "Pending",
    "conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}],
}
STOPPED = {
    "type": "TerminationTarget",
    "status": "True",
    "reason": "StoppedByKueue",
    "message": "Preempted to accommodate a higher priority Workload",
}


def a_queued_pod(*gates, queue="tasks"):
    body = pod_body(status=GATED)
    body["metadata"]["labels"] |= {"kueue.x-k8s.io/queue-name": queue} if queue else {}
    body["spec"] = {"schedulingGates": [{"name": gate} for gate in gates]}
    return read_snapshot(body)


def a_stopped_pod(attempt=0):
    status = {"phase": "Running", "conditions": [STOPPED]}
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


def test_a_pod_that_kueue_stops_is_a_fault_of_the_cluster_with_kueues_own_words():
    assert read(a_stopped_pod()) == PodFault(
        FaultCategory.INFRASTRUCTURE, "StoppedByKueue", "Preempted to accommodate a higher priority Workload"
    )


def test_it_is_replaced_however_often_kueue_stops_it():
    number = Settings().max_infra_retries + 1
    pod = a_stopped_pod(number)
    attempt = Attempt(work=pod.work, number=number, pod=pod.name, uid=pod.uid)
    state = WorkState([attempt], [pod], NOW, Settings())
    move = next_move(Work.parse(pod.work), state)
    assert isinstance(move, RetryAttempt)
    assert (move.ended.reason, move.planned.number) == ("StoppedByKueue", number + 1)
