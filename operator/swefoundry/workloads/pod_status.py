"""Interpretation of a pod's status: one ordered table of rules, the first match wins. Pure.

It follows KEP-3329 and the failure handling of Argo Workflows, Tekton and Airflow. An exit code alone cannot grade: 137
comes from OOM, eviction, preemption and the test itself, and a process that handles SIGTERM ends ``Succeeded`` with 0.
So a result is an exit code *and* a record with the right nonce and the same code.

Each grace period begins where its phase begins. Waiting for a node has none; pulling and starting count from the time
at which the scheduler bound the pod; deadlines from the time at which a kubelet took it, as Kubernetes counts them::

    created ──no limit──> bound to a node ──pull, start──> container started ──deadline──> ended
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from swefoundry.workloads.pod_outcomes import (
    FaultCategory,
    PodFault,
    PodResult,
    PodRunning,
    PodState,
    PodWaiting,
)
from swefoundry.workloads.pod_snapshot import PodSnapshot

MAX_SENTENCE = 200
"""Characters of a termination message that is no record, as a fault's message shows them."""

NODE_REASONS = frozenset({"NodeLost", "NodeShutdown", "Shutdown", "Terminated"})
"""Pod status reasons that the kubelet or the node controller gives when the node goes away."""

NODE_PRESSURE = "NodePressure"
"""Reason of a pod that was evicted because its node ran short of something."""

ADMISSION_REASONS = frozenset(
    {
        "UnexpectedAdmissionError",
        "OutOfcpu",
        "OutOfmemory",
        "OutOfpods",
        "NodeAffinity",
        "Preempting",
        "TopologyAffinityError",
    }
)
"""Pod status reasons of a kubelet that refuses a pod the scheduler gave it."""

MISSING_IMAGE_PHRASES = ("not found", "manifest unknown", "name unknown", "does not exist")
PULL_DENIED = re.compile(r"unauthorized|pull access denied|\b40[13]\b|forbidden|authorization failed")
"""The codes stand alone: the message holds the image's digest, and one digest in thirty has 401 or 403 in it."""

IMAGE_PULL_TRANSIENT = "ImagePullTransient"
CONTAINER_CREATING = "ContainerCreating"
KUEUE_GATE = "kueue.x-k8s.io/admission"
"""Scheduling gate of pods that Kueue has not admitted:
https://github.com/kubernetes-sigs/kueue/tree/main/keps/976-plain-pods
"""
DEADLINE_EXCEEDED = "DeadlineExceeded"

STUCK_SECONDS = 150
"""A pod that is still terminating, or still running, so long after it had to end, has lost its kubelet."""


@dataclass(frozen=True)
class GracePeriods:
    """How long a pod that has a node may take for each phase before it is replaced, in seconds."""

    pull: int = 600
    start: int = 120


@dataclass(frozen=True)
class RuleInput:
    """Input of the rules."""

    pod: PodSnapshot
    now: datetime
    grace: GracePeriods

    def on_node_longer_than(self, seconds: float) -> bool:
        """Whether the pod got its node more than ``seconds`` ago."""
        return self.now - self.pod.bound > timedelta(seconds=seconds)


Rule = Callable[[RuleInput], PodState | None]


def read_pod(pod: PodSnapshot, now: datetime, grace: GracePeriods) -> PodState:
    """The state of a pod. Total: unknown states wait."""
    observed = RuleInput(pod, now, grace)
    for rule in RULES:
        state = rule(observed)
        if state is not None:
            return state
    return PodWaiting("Pending")


def matching_record_counts(observed: RuleInput) -> PodState | None:
    """A record that matches: the work was complete, whatever evicted or disrupted the pod later."""
    ended = observed.pod.terminated
    if ended is None:
        return None
    record = _parse_record(ended.message)
    if record is None:
        return None
    if record.get("nonce") != observed.pod.nonce or record.get("code") != ended.exit_code:
        return _fault(
            observed,
            FaultCategory.TAMPERING,
            "RecordMismatch",
            "the nonce or exit code of the record differs from the pod's",
        )
    if int(record.get("oomKills") or 0) > 0:
        return _fault(
            observed,
            FaultCategory.LIMIT,
            "OOMKilled",
            "a process was killed because memory ran out; raise spec.validation.resources.memory",
        )
    return PodResult(ended.exit_code, record, ended.seconds)


def disrupted_pods_are_replaced(observed: RuleInput) -> PodState | None:
    """Preemption, taint, eviction API, pod GC, kubelet shutdown (KEP-3329); Kueue stopped it."""
    if observed.pod.disrupted is None or not (observed.pod.ended or observed.pod.deleting):
        return None
    message = observed.pod.message or observed.pod.disruption_message
    return _fault(observed, FaultCategory.INFRASTRUCTURE, observed.pod.disrupted, message)


def evictions_for_own_limits_are_limits(observed: RuleInput) -> PodState | None:
    """A pod over its own ephemeral or emptyDir limit; DisruptionTarget is not set for these."""
    if observed.pod.reason != "Evicted" or "exceed" not in observed.pod.message.lower():
        return None
    return _fault(observed, FaultCategory.LIMIT, "EphemeralStorageExceeded", observed.pod.message)


def evictions_for_node_pressure_are_replaced(observed: RuleInput) -> PodState | None:
    """The node ran short of something."""
    if observed.pod.reason != "Evicted":
        return None
    return _fault(observed, FaultCategory.INFRASTRUCTURE, NODE_PRESSURE, observed.pod.message)


def deadlines_are_limits(observed: RuleInput) -> PodState | None:
    """The pod's deadline passed, and its clock includes the pull: a container that started late proves nothing."""
    if observed.pod.reason != DEADLINE_EXCEEDED:
        return None
    started = observed.pod.terminated.started if observed.pod.terminated else None
    if started is None:
        return _fault(
            observed, FaultCategory.INFRASTRUCTURE, DEADLINE_EXCEEDED, "the container never started"
        )
    accepted = observed.pod.accepted
    if accepted is not None and started - accepted > timedelta(seconds=observed.grace.pull):
        message = f"the container started {(started - accepted).total_seconds():.0f} s after its pod"
        return _fault(observed, FaultCategory.INFRASTRUCTURE, DEADLINE_EXCEEDED, message)
    return _fault(observed, FaultCategory.LIMIT, DEADLINE_EXCEEDED, observed.pod.message)


def lost_nodes_are_replaced(observed: RuleInput) -> PodState | None:
    """The node shut down or was lost."""
    if (
        observed.pod.reason in NODE_REASONS
        or "imminent node shutdown" in observed.pod.message
        or observed.pod.phase == "Unknown"
    ):
        return _fault(observed, FaultCategory.INFRASTRUCTURE, "NodeLost", observed.pod.message)
    return None


def refused_admissions_are_replaced(observed: RuleInput) -> PodState | None:
    """The kubelet refused the pod before any container existed."""
    if observed.pod.phase == "Failed" and observed.pod.reason in ADMISSION_REASONS:
        return _fault(
            observed, FaultCategory.INFRASTRUCTURE, f"Admission{observed.pod.reason}", observed.pod.message
        )
    return None


def deleted_pods_lost_their_evidence(observed: RuleInput) -> PodState | None:
    """The pod was deleted: wait for its end, then replace it. Without a record its exit code means nothing."""
    deleted = observed.pod.deleted
    if deleted is None:
        return None
    if (
        observed.pod.ended
        or observed.pod.node is None
        or observed.now > deleted + timedelta(seconds=STUCK_SECONDS)
    ):
        return _fault(
            observed,
            FaultCategory.INFRASTRUCTURE,
            "PodDeleted",
            "the pod was deleted before it left a record",
        )
    return PodWaiting("Terminating")


def unstartable_images_are_environment_defects(observed: RuleInput) -> PodState | None:
    """The entrypoint could not be executed."""
    ended = observed.pod.terminated
    if ended is None:
        return None
    if ended.reason in ("StartError", "ContainerCannotRun") or ended.exit_code in (126, 127, 128):
        return _fault(observed, FaultCategory.ENVIRONMENT, "EntrypointMissing", ended.message)
    return None


def memory_kills_are_limits(observed: RuleInput) -> PodState | None:
    """PID 1 itself was killed for memory."""
    ended = observed.pod.terminated
    if ended is None or ended.reason != "OOMKilled":
        return None
    return _fault(
        observed, FaultCategory.LIMIT, "OOMKilled", "the container was killed because memory ran out"
    )


def ends_without_record_are_replaced(observed: RuleInput) -> PodState | None:
    """Any other end: invented codes (ContainerStatusUnknown), bare 137 and 143, a runner that died."""
    ended = observed.pod.terminated
    if ended is not None:
        reason = "ContainerStatusUnknown" if ended.reason == "ContainerStatusUnknown" else "NoRecord"
        message = f"exit code {ended.exit_code} without a record{_termination_sentence(ended.message)}"
        return _fault(observed, FaultCategory.INFRASTRUCTURE, reason, message)
    if observed.pod.ended:
        return _fault(
            observed, FaultCategory.INFRASTRUCTURE, observed.pod.reason or "NoContainer", observed.pod.message
        )
    return None


def _termination_sentence(message: str) -> str:
    """What a program that could not do its work left in place of a record."""
    line = message.strip().partition("\n")[0]
    return f": {line[:MAX_SENTENCE]}" if line and not line.startswith("{") else ""


def overdue_containers_are_replaced(observed: RuleInput) -> PodState | None:
    """The deadline passed and nothing enforced it: the node is lost, and no controller has noticed."""
    pod = observed.pod
    if (
        not pod.running
        or pod.deadline is None
        or observed.now < pod.deadline + timedelta(seconds=STUCK_SECONDS)
    ):
        return None
    return _fault(
        observed,
        FaultCategory.INFRASTRUCTURE,
        "Stuck",
        "the pod still runs after its deadline: its node is lost",
    )


def running_containers_run(observed: RuleInput) -> PodState | None:
    """The container runs. When its node stops reporting, the node controller sets deletion and disruption."""
    return PodRunning() if observed.pod.running else None


def gated_pods_wait(observed: RuleInput) -> PodState | None:
    """Kueue, or whoever else has set a gate, has not admitted the pod."""
    pod = observed.pod
    if not pod.gated:
        return None
    if KUEUE_GATE in pod.gates:
        queue = f"the queue {pod.queue}" if pod.queue else "a queue"
        return PodWaiting("SchedulingGated", f"Kueue has not admitted it to {queue} yet")
    return PodWaiting("SchedulingGated", f"not admitted yet: {', '.join(pod.gates)}" if pod.gates else "")


def unschedulable_pods_wait(observed: RuleInput) -> PodState | None:
    """No node has room. Time alone proves nothing: an autoscaler, or the end of other pods, may make room."""
    if observed.pod.unschedulable is None:
        return None
    return PodWaiting("Unschedulable", observed.pod.unschedulable)


def unpullable_images_are_judged_by_their_message(observed: RuleInput) -> PodState | None:
    """Missing: the image was deleted or never pushed. Refused: a pull secret is missing, and may come. Else the kubelet
    retries, and another node may have more luck.
    """
    if observed.pod.waiting not in (
        "ErrImagePull",
        "ImagePullBackOff",
        "RegistryUnavailable",
        "ImageInspectError",
    ):
        return None
    text = observed.pod.waiting_message.lower()
    if any(word in text for word in MISSING_IMAGE_PHRASES):
        return _fault_after(observed, observed.grace.start, FaultCategory.ENVIRONMENT, "ImageMissing")
    if PULL_DENIED.search(text):
        return PodWaiting("ImagePullUnauthorized", observed.pod.waiting_message)
    return _fault_after(observed, observed.grace.pull, FaultCategory.INFRASTRUCTURE, IMAGE_PULL_TRANSIENT)


def invalid_image_names_are_misconfigured(observed: RuleInput) -> PodState | None:
    """The image name is invalid."""
    if observed.pod.waiting in ("InvalidImageName", "ErrImageNeverPull"):
        return _fault(
            observed, FaultCategory.CONFIGURATION, observed.pod.waiting, observed.pod.waiting_message
        )
    return None


def missing_objects_are_waited_for(observed: RuleInput) -> PodState | None:
    """A ConfigMap, Secret or key that is not there yet: the kubelet starts the container as soon as it is."""
    if observed.pod.waiting == "CreateContainerConfigError":
        return PodWaiting("CreateContainerConfigError", observed.pod.waiting_message)
    return None


def runtime_faults_are_waited_for(observed: RuleInput) -> PodState | None:
    """The runtime could not create the container; the kubelet retries."""
    if observed.pod.waiting in ("CreateContainerError", "RunContainerError", "CreatePodSandboxError"):
        return _fault_after(
            observed, observed.grace.start, FaultCategory.INFRASTRUCTURE, observed.pod.waiting
        )
    return None


def uncreated_containers_are_replaced(observed: RuleInput) -> PodState | None:
    """The image is pulled, the sandbox made, a volume mounted. The status does not say which of them takes so long; the
    pod's events do, and a missing volume is waited for (``explain_move``).
    """
    if observed.pod.waiting != CONTAINER_CREATING:
        return None
    if not observed.on_node_longer_than(observed.grace.pull):
        return PodWaiting(CONTAINER_CREATING)
    return _fault(observed, FaultCategory.INFRASTRUCTURE, CONTAINER_CREATING, "no container on its node")


RULES: tuple[Rule, ...] = (
    matching_record_counts,
    disrupted_pods_are_replaced,
    evictions_for_own_limits_are_limits,
    evictions_for_node_pressure_are_replaced,
    deadlines_are_limits,
    lost_nodes_are_replaced,
    refused_admissions_are_replaced,
    deleted_pods_lost_their_evidence,
    unstartable_images_are_environment_defects,
    memory_kills_are_limits,
    ends_without_record_are_replaced,
    overdue_containers_are_replaced,
    running_containers_run,
    gated_pods_wait,
    unschedulable_pods_wait,
    unpullable_images_are_judged_by_their_message,
    invalid_image_names_are_misconfigured,
    missing_objects_are_waited_for,
    runtime_faults_are_waited_for,
    uncreated_containers_are_replaced,
)
"""Order is meaning; a test pins it."""


def _parse_record(message: str) -> dict[str, Any] | None:
    try:
        record = json.loads(message)
    except ValueError:
        return None
    return record if isinstance(record, dict) and "nonce" in record else None


def _fault(observed: RuleInput, category: FaultCategory, reason: str, message: str) -> PodFault:
    ended = observed.pod.terminated
    return PodFault(
        category,
        reason,
        message[:2000],
        exit_code=ended.exit_code if ended else None,
        seconds=ended.seconds if ended else 0.0,
    )


def _fault_after(observed: RuleInput, seconds: int, category: FaultCategory, reason: str) -> PodState:
    message = observed.pod.waiting_message
    return (
        _fault(observed, category, reason, message)
        if observed.on_node_longer_than(seconds)
        else PodWaiting(reason, message)
    )
