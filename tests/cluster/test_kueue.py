"""What Kueue does to a pod, done to one on a real cluster: Kueue itself is not installed."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from cluster import evaluation_pods
from cluster.commands import kubectl
from cluster.evaluation_pods import PodCase, case_pod
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodState, PodWaiting
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod
from swefoundry.workloads.role_places import PodPlacement, placement_of

pytestmark = pytest.mark.cluster

POD = "queued"


@pytest.fixture
def namespace() -> Iterator[str]:
    """A namespace with an evaluation pod that has the label, gate and finalizer of Kueue."""
    name = f"kueue-{uuid4().hex[:8]}"
    kubectl("create", "namespace", name)
    pod = case_pod(POD, name, "python:3.11-slim", PodCase())
    pod["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] = "tasks"
    pod["metadata"]["finalizers"].append("kueue.x-k8s.io/managed")
    pod["spec"]["schedulingGates"] = [{"name": "kueue.x-k8s.io/admission"}]
    evaluation_pods.create(pod)
    yield name
    evaluation_pods.delete_namespace(name)


def read(pod: evaluation_pods.Json) -> PodState:
    return read_pod(read_snapshot(pod), datetime.now(UTC), GracePeriods())


def test_a_gated_pod_waits_without_a_place_and_is_replaced_when_it_is_stopped(namespace: str) -> None:
    gated = evaluation_pods.wait_until(namespace, POD, lambda pod: pod["status"].get("conditions"))
    assert read(gated) == PodWaiting("SchedulingGated", "Kueue has not admitted it to the queue tasks yet")
    assert placement_of(read_snapshot(gated)) is PodPlacement.UNSCHEDULABLE
    stopped = {
        "type": "TerminationTarget",
        "status": "True",
        "reason": "WorkloadEvictedDueToPreempted",
        "message": "Preempted",
    }
    status = json.dumps({"status": {"conditions": [stopped]}})
    kubectl("patch", "pod", POD, "-n", namespace, "--subresource=status", "-p", status)
    kubectl("delete", "pod", POD, "-n", namespace, "--wait=false")
    deleted = evaluation_pods.get(namespace, POD)
    message = "WorkloadEvictedDueToPreempted: Preempted"
    assert read(deleted) == PodFault(FaultCategory.INFRASTRUCTURE, "StoppedByKueue", message)
