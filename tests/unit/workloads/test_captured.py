"""Statuses that a real kubelet (1.37, containerd 2.3, cgroup v1) reported, each with its state.

The cluster tests of the same cases write these files when SWEFOUNDRY_CAPTURE_PODS is set.
"""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult, PodState, PodWaiting
from swefoundry.workloads.pod_snapshot import parse_timestamp, read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod

CAPTURED = Path(__file__).parents[2] / "fixtures" / "pods"

RESULTS = {
    "passes": 0,
    "sees-network": 0,
    "sees-no-network": 0,
    "fails": 1,
    "forges-record": 1,
    "leaves-daemon": 1,
    "opens-proc": 1,
    "prints-fakes": 1,
    "removes-record": 1,
    "root-things": 1,
    "signals-runner": 1,
    "writes-200-mb": 1,
    "command-missing": 20,
    "workdir-missing": 20,
    "reports-nothing": 21,
    "stale-report": 21,
    "zero-tests": 21,
    "hangs": 22,
}
"""Canonical code by case: the runner's record is believed."""

FAULTS = {
    "child-oom-killed": (FaultCategory.LIMIT, "OOMKilled"),
    "deadline-exceeded": (FaultCategory.LIMIT, "DeadlineExceeded"),
    "deleted-and-exits-0": (FaultCategory.INFRASTRUCTURE, "PodDeleted"),
    "deleted-while-running": (FaultCategory.INFRASTRUCTURE, "PodDeleted"),
    "disk-over-limit": (FaultCategory.LIMIT, "EphemeralStorageExceeded"),
    "empty-dir-over-limit": (FaultCategory.LIMIT, "EphemeralStorageExceeded"),
    "entrypoint-missing": (FaultCategory.ENVIRONMENT, "EntrypointMissing"),
    "evicted-by-api": (FaultCategory.INFRASTRUCTURE, "EvictionByEvictionAPI"),
    "exits-0-without-record": (FaultCategory.INFRASTRUCTURE, "NoRecord"),
    "forged-record": (FaultCategory.TAMPERING, "RecordMismatch"),
    "image-missing": (FaultCategory.ENVIRONMENT, "ImageMissing"),
    "image-missing-backoff": (FaultCategory.ENVIRONMENT, "ImageMissing"),
    "image-name-invalid": (FaultCategory.CONFIGURATION, "InvalidImageName"),
    "killed-without-record": (FaultCategory.INFRASTRUCTURE, "NoRecord"),
    "node-affinity-refused": (FaultCategory.INFRASTRUCTURE, "AdmissionNodeAffinity"),
    "oom-killed": (FaultCategory.LIMIT, "OOMKilled"),
    "refused-by-kubelet": (FaultCategory.INFRASTRUCTURE, "AdmissionOutOfcpu"),
    "registry-down": (FaultCategory.INFRASTRUCTURE, "ImagePullTransient"),
    "runner-deleted": (FaultCategory.INFRASTRUCTURE, "PodDeleted"),
}
"""Once patience is at its end."""

WAITS = {
    "config-map-missing": "CreateContainerConfigError",
    "unschedulable": "Unschedulable",
}
"""However long they last: nothing but time would suggest that they are final."""

PASSING_STATES = (
    "config-map-missing",
    "image-missing",
    "image-missing-backoff",
    "registry-down",
    "unschedulable",
)


def captured(name: str) -> dict[str, Any]:
    return json.loads((CAPTURED / f"{name}.json").read_text())


def read(name: str, age: timedelta) -> PodState:
    pod = captured(name)
    return read_pod(
        read_snapshot(pod), parse_timestamp(pod["metadata"]["creationTimestamp"]) + age, GracePeriods()
    )


def after_an_hour_without_a_node(name: str, reason: str | None, since_bound: timedelta) -> PodState:
    """A captured pod that was created an hour before it got its node; its container may wait for another reason."""
    pod = captured(name)
    scheduled = next(each for each in pod["status"]["conditions"] if each["type"] == "PodScheduled")
    bound = parse_timestamp(scheduled["lastTransitionTime"])
    pod["metadata"]["creationTimestamp"] = (bound - timedelta(hours=1)).isoformat()
    if reason is not None:
        pod["status"]["containerStatuses"][0]["state"] = {"waiting": {"reason": reason, "message": "slow"}}
    return read_pod(read_snapshot(pod), bound + since_bound, GracePeriods())


def test_every_captured_status_has_a_state():
    assert {path.stem for path in CAPTURED.glob("*.json")} == RESULTS.keys() | FAULTS.keys() | WAITS.keys()


@pytest.mark.parametrize("name", RESULTS)
def test_a_pod_that_ended_with_a_record_is_a_result(name):
    state = read(name, timedelta(minutes=1))
    assert isinstance(state, PodResult)
    assert state.code == state.record["code"] == RESULTS[name]


@pytest.mark.parametrize("name", FAULTS)
def test_an_end_without_a_result_is_a_fault(name):
    state = read(name, timedelta(hours=1))
    assert isinstance(state, PodFault)
    assert (state.category, state.reason) == FAULTS[name]


@pytest.mark.parametrize("name", PASSING_STATES)
def test_a_transient_state_is_waited_for_at_first(name):
    assert isinstance(read(name, timedelta(seconds=10)), PodWaiting)


@pytest.mark.parametrize("name", WAITS)
def test_a_state_that_only_time_suggests_is_waited_for_without_end(name):
    state = read(name, timedelta(days=7))
    assert isinstance(state, PodWaiting)
    assert state.reason == WAITS[name] and state.message


SECOND = timedelta(seconds=1)
PULL, START = timedelta(seconds=GracePeriods().pull), timedelta(seconds=GracePeriods().start)


@pytest.mark.parametrize(
    ("name", "reason", "grace", "category"),
    [
        ("image-missing", None, START, FaultCategory.ENVIRONMENT),
        ("image-missing-backoff", None, START, FaultCategory.ENVIRONMENT),
        ("registry-down", None, PULL, FaultCategory.INFRASTRUCTURE),
        ("config-map-missing", "ContainerCreating", PULL, FaultCategory.INFRASTRUCTURE),
        ("config-map-missing", "CreateContainerError", START, FaultCategory.INFRASTRUCTURE),
        ("config-map-missing", "RunContainerError", START, FaultCategory.INFRASTRUCTURE),
    ],
)
def test_an_hour_without_a_node_does_not_count_against_a_slow_start(name, reason, grace, category):
    assert isinstance(after_an_hour_without_a_node(name, reason, grace), PodWaiting)
    state = after_an_hour_without_a_node(name, reason, grace + SECOND)
    assert isinstance(state, PodFault) and state.category is category


@pytest.mark.parametrize(
    ("started", "category"),
    [(PULL, FaultCategory.LIMIT), (PULL + SECOND, FaultCategory.INFRASTRUCTURE)],
)
def test_a_deadline_that_a_slow_pull_used_up_is_no_limit_of_the_task(started, category):
    pod = captured("deadline-exceeded")
    accepted = parse_timestamp(pod["status"]["startTime"])
    state = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    state |= {"startedAt": (accepted + started).isoformat(), "finishedAt": (accepted + started).isoformat()}
    found = read_pod(read_snapshot(pod), accepted + timedelta(hours=1), GracePeriods())
    assert isinstance(found, PodFault)
    assert (found.category, found.reason) == (category, "DeadlineExceeded")
