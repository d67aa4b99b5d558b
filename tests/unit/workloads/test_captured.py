"""Statuses that a real kubelet (1.37, containerd 2.3, cgroup v1) reported, each with its reading.

The cluster tests of the same cases write these files when SWEFOUNDRY_CAPTURE_PODS is set.
"""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from swefoundry.workloads.pod_outcomes import Blame, Faulted, Finished, Reading, Waiting
from swefoundry.workloads.pod_snapshot import moment, snapshot
from swefoundry.workloads.pod_status import Patience, read_pod

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
    "child-oom-killed": (Blame.LIMIT, "OOMKilled"),
    "config-map-missing": (Blame.CONFIGURATION, "CreateContainerConfigError"),
    "deadline-exceeded": (Blame.LIMIT, "DeadlineExceeded"),
    "deleted-and-exits-0": (Blame.INFRASTRUCTURE, "PodDeleted"),
    "deleted-while-running": (Blame.INFRASTRUCTURE, "PodDeleted"),
    "disk-over-limit": (Blame.LIMIT, "EphemeralStorageExceeded"),
    "empty-dir-over-limit": (Blame.LIMIT, "EphemeralStorageExceeded"),
    "entrypoint-missing": (Blame.ENVIRONMENT, "EntrypointMissing"),
    "evicted-by-api": (Blame.INFRASTRUCTURE, "EvictionByEvictionAPI"),
    "exits-0-without-record": (Blame.INFRASTRUCTURE, "NoRecord"),
    "forged-record": (Blame.TAMPERING, "RecordMismatch"),
    "image-missing": (Blame.ENVIRONMENT, "ImageMissing"),
    "image-missing-backoff": (Blame.ENVIRONMENT, "ImageMissing"),
    "image-name-invalid": (Blame.CONFIGURATION, "InvalidImageName"),
    "killed-without-record": (Blame.INFRASTRUCTURE, "NoRecord"),
    "node-affinity-refused": (Blame.INFRASTRUCTURE, "AdmissionNodeAffinity"),
    "oom-killed": (Blame.LIMIT, "OOMKilled"),
    "refused-by-kubelet": (Blame.INFRASTRUCTURE, "AdmissionOutOfcpu"),
    "registry-down": (Blame.INFRASTRUCTURE, "ImagePullTransient"),
    "runner-deleted": (Blame.INFRASTRUCTURE, "PodDeleted"),
    "unschedulable": (Blame.CONFIGURATION, "Unschedulable"),
}
"""Once patience is at its end."""

PASSING_STATES = (
    "config-map-missing",
    "image-missing",
    "image-missing-backoff",
    "registry-down",
    "unschedulable",
)


def read(name: str, age: timedelta) -> Reading:
    pod = json.loads((CAPTURED / f"{name}.json").read_text())
    return read_pod(snapshot(pod), moment(pod["metadata"]["creationTimestamp"]) + age, Patience())


def test_every_captured_status_has_a_reading():
    assert {path.stem for path in CAPTURED.glob("*.json")} == RESULTS.keys() | FAULTS.keys()


@pytest.mark.parametrize("name", RESULTS)
def test_an_end_with_a_record_is_a_result(name):
    reading = read(name, timedelta(minutes=1))
    assert isinstance(reading, Finished)
    assert reading.code == reading.record["code"] == RESULTS[name]


@pytest.mark.parametrize("name", FAULTS)
def test_an_end_without_a_result_is_a_fault(name):
    reading = read(name, timedelta(hours=1))
    assert isinstance(reading, Faulted)
    assert (reading.blame, reading.reason) == FAULTS[name]


@pytest.mark.parametrize("name", PASSING_STATES)
def test_a_state_that_may_pass_is_waited_for_at_first(name):
    assert isinstance(read(name, timedelta(seconds=10)), Waiting)
