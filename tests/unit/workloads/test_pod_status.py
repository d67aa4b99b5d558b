"""Rules of pod status, one by one."""

import json

import pytest

from builders import NONCE, NOW, a_pod, pod_body, terminated, waiting
from swefoundry.workloads import pod_status
from swefoundry.workloads.pod_outcomes import FaultCategory, PodFault, PodResult, PodRunning, PodWaiting
from swefoundry.workloads.pod_snapshot import read_snapshot
from swefoundry.workloads.pod_status import GracePeriods, read_pod

GRACE = GracePeriods(pull=300, start=60)
RECORD = {"v": 1, "nonce": NONCE, "stage": "before", "code": 1}


def read(status=None, **meta):
    return read_pod(a_pod(status=status, **meta), NOW, GRACE)


def record(**fields):
    return json.dumps(RECORD | fields)


def fault_of(found):
    assert isinstance(found, PodFault), found
    return found.category, found.reason


def test_a_matching_record_is_a_result():
    assert read(terminated(1, record())) == PodResult(1, RECORD, 30.0)


def test_a_matching_record_wins_over_a_later_eviction():
    status = terminated(1, record()) | {
        "phase": "Failed",
        "reason": "Evicted",
        "message": "node was low on resource: memory",
        "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}],
    }
    assert read(status) == PodResult(1, RECORD, 30.0)


@pytest.mark.parametrize(
    ("case", "exit_code", "fields"),
    [
        ("another exit code than the record says", 0, {"code": 1}),
        ("another nonce than the order's", 1, {"nonce": "f" * 32}),
    ],
)
def test_a_record_that_contradicts_the_pod_is_tampering(case, exit_code, fields):
    assert fault_of(read(terminated(exit_code, record(**fields)))) == (
        FaultCategory.TAMPERING,
        "RecordMismatch",
    )


def test_a_memory_kill_in_the_record_is_a_limit_even_when_the_command_passed():
    found = read(terminated(0, record(code=0, oomKills=1), reason="OOMKilled"))
    assert fault_of(found) == (FaultCategory.LIMIT, "OOMKilled")


def test_the_reason_oomkilled_alone_does_not_spoil_a_record_without_kills():
    assert read(terminated(1, record(), reason="OOMKilled")) == PodResult(1, RECORD, 30.0)


@pytest.mark.parametrize(
    ("case", "status", "expected"),
    [
        ("exit 0 without a record", terminated(0), (FaultCategory.INFRASTRUCTURE, "NoRecord")),
        (
            "exit 1 with a log line as message",
            terminated(1, "boom"),
            (FaultCategory.INFRASTRUCTURE, "NoRecord"),
        ),
        ("137 without a reason", terminated(137), (FaultCategory.INFRASTRUCTURE, "NoRecord")),
        ("137 by memory", terminated(137, reason="OOMKilled"), (FaultCategory.LIMIT, "OOMKilled")),
        (
            "a code that the kubelet invented",
            terminated(137, reason="ContainerStatusUnknown"),
            (FaultCategory.INFRASTRUCTURE, "ContainerStatusUnknown"),
        ),
        (
            "an entrypoint that is missing",
            terminated(128, reason="StartError"),
            (FaultCategory.ENVIRONMENT, "EntrypointMissing"),
        ),
        (
            "evicted for its own limit",
            {"phase": "Failed", "reason": "Evicted", "message": "Usage of EmptyDir volume exceeds the limit"},
            (FaultCategory.LIMIT, "EphemeralStorageExceeded"),
        ),
        (
            "evicted for the node's sake",
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
            (FaultCategory.INFRASTRUCTURE, "NodePressure"),
        ),
        (
            "deadline while running",
            terminated(137) | {"phase": "Failed", "reason": "DeadlineExceeded"},
            (FaultCategory.LIMIT, "DeadlineExceeded"),
        ),
        (
            "deadline of a container that started late",
            terminated(137)
            | {"phase": "Failed", "reason": "DeadlineExceeded", "startTime": "2026-01-01T11:53:59Z"},
            (FaultCategory.INFRASTRUCTURE, "DeadlineExceeded"),
        ),
        (
            "deadline before the start",
            {"phase": "Failed", "reason": "DeadlineExceeded"},
            (FaultCategory.INFRASTRUCTURE, "DeadlineExceeded"),
        ),
        (
            "a lost node",
            {"phase": "Failed", "reason": "NodeLost"},
            (FaultCategory.INFRASTRUCTURE, "NodeLost"),
        ),
        ("phase Unknown", {"phase": "Unknown"}, (FaultCategory.INFRASTRUCTURE, "NodeLost")),
        (
            "refused by the kubelet",
            {"phase": "Failed", "reason": "OutOfcpu"},
            (FaultCategory.INFRASTRUCTURE, "AdmissionOutOfcpu"),
        ),
        (
            "failed without any container",
            {"phase": "Failed"},
            (FaultCategory.INFRASTRUCTURE, "NoContainer"),
        ),
        ("a bad image name", waiting("InvalidImageName"), (FaultCategory.CONFIGURATION, "InvalidImageName")),
        (
            "a missing image, after patience",
            waiting("ErrImagePull", "manifest unknown: not found"),
            (FaultCategory.ENVIRONMENT, "ImageMissing"),
        ),
    ],
)
def test_ends_without_a_result_are_faults(case, status, expected):
    assert fault_of(read(status)) == expected


@pytest.mark.parametrize(
    ("case", "status", "expected"),
    [
        ("nothing yet", {}, PodWaiting("Pending")),
        (
            "a passing pull error",
            waiting("ErrImagePull", "connection refused"),
            PodWaiting("ImagePullTransient", "connection refused"),
        ),
        (
            "no node for it yet",
            {
                "conditions": [
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1"}
                ]
            },
            PodWaiting("Unschedulable", "0/1"),
        ),
        (
            "a refused pull",
            waiting("ImagePullBackOff", "401 Unauthorized"),
            PodWaiting("ImagePullUnauthorized", "401 Unauthorized"),
        ),
        (
            "a missing ConfigMap",
            waiting("CreateContainerConfigError", 'configmap "x" not found'),
            PodWaiting("CreateContainerConfigError", 'configmap "x" not found'),
        ),
        (
            "held by a gate",
            {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]},
            PodWaiting("SchedulingGated"),
        ),
        ("running", {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, PodRunning()),
    ],
)
def test_transient_states_are_waited_for(case, status, expected):
    assert read(status) == expected


def test_a_disrupted_pod_that_still_runs_is_waited_for():
    status = {
        "phase": "Running",
        "containerStatuses": [{"state": {"running": {}}}],
        "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"}],
    }
    assert read(status) == PodRunning()
    assert fault_of(read(status, deletionTimestamp="2026-01-01T12:00:00Z")) == (
        FaultCategory.INFRASTRUCTURE,
        "PreemptionByScheduler",
    )


@pytest.mark.parametrize(
    ("deleted", "expected"),
    [("2026-01-01T11:59:55Z", PodWaiting("Terminating")), ("2026-01-01T11:57:00Z", None)],
)
def test_a_deleted_pod_is_waited_for_until_its_kubelet_must_be_lost(deleted, expected):
    found = read({"phase": "Running"}, deletionTimestamp=deleted)
    assert found == expected or fault_of(found) == (FaultCategory.INFRASTRUCTURE, "PodDeleted")


RUNNING = {"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}


@pytest.mark.parametrize(
    ("started", "expected"),
    [
        ("2026-01-01T11:50:00Z", PodRunning()),
        ("2026-01-01T11:40:00Z", (FaultCategory.INFRASTRUCTURE, "Stuck")),
    ],
)
def test_a_container_that_runs_past_its_deadline_is_on_a_lost_node(started, expected):
    body = pod_body(status={**RUNNING, "startTime": started})
    body["spec"]["activeDeadlineSeconds"] = 600
    found = read_pod(read_snapshot(body), NOW, GRACE)
    assert expected == (found if isinstance(found, PodRunning) else fault_of(found))


def test_a_digest_that_contains_403_is_not_a_refused_pull():
    message = f"failed to pull registry/task@sha256:{'a403' * 16}: connection refused"
    assert read(waiting("ErrImagePull", message)) == PodWaiting("ImagePullTransient", message)


@pytest.mark.parametrize(
    ("reason", "deleted", "abandoned"),
    [
        ("DeletionByTaintManager", True, True),
        ("DeletionByPodGC", True, True),
        ("EvictionByEvictionAPI", True, False),
        ("DeletionByTaintManager", False, False),
    ],
)
def test_a_pod_is_abandoned_when_it_was_deleted_because_of_its_node(reason, deleted, abandoned):
    status = {**RUNNING, "conditions": [{"type": "DisruptionTarget", "status": "True", "reason": reason}]}
    meta = {"deletionTimestamp": "2026-01-01T12:00:00Z"} if deleted else {}
    assert a_pod(status=status, **meta).node_lost is abandoned


def test_a_deleted_pod_that_ended_without_a_record_is_replaced():
    found = read(terminated(0), deletionTimestamp="2026-01-01T12:00:00Z")
    assert fault_of(found) == (FaultCategory.INFRASTRUCTURE, "PodDeleted")


def test_the_terminated_state_counts_before_the_phase_does():
    assert read_snapshot(pod_body(status=terminated(1, record()))).phase == "Running"
    assert isinstance(read(terminated(1, record())), PodResult)


def test_the_order_of_the_rules_is_fixed():
    assert [rule.__name__ for rule in pod_status.RULES] == [
        "matching_record_counts",
        "disrupted_pods_are_replaced",
        "evictions_for_own_limits_are_limits",
        "evictions_for_node_pressure_are_replaced",
        "deadlines_are_limits",
        "lost_nodes_are_replaced",
        "refused_admissions_are_replaced",
        "deleted_pods_lost_their_evidence",
        "unstartable_images_are_environment_defects",
        "memory_kills_are_limits",
        "ends_without_record_are_replaced",
        "overdue_containers_are_replaced",
        "running_containers_run",
        "gated_pods_wait",
        "unschedulable_pods_wait",
        "unpullable_images_are_judged_by_their_message",
        "invalid_image_names_are_misconfigured",
        "missing_objects_are_waited_for",
        "runtime_faults_are_waited_for",
        "uncreated_containers_are_replaced",
    ]
