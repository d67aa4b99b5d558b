"""Snapshot of a pod: the fields of its JSON that decisions need. Nothing else reads pod status. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from swefoundry.api import labels

JsonMapping = Mapping[str, Any]

KUEUE_QUEUE = "kueue.x-k8s.io/queue-name"
"""Label: the LocalQueue through which Kueue admits the pod."""

STOPPED_BY_KUEUE = "StoppedByKueue"
"""Reason of a pod that Kueue stopped for something that is not the pod's: a workload of a higher priority, a queue that
was stopped or drained, a Workload that somebody deleted or deactivated. Kueue's own reason is in the message.
"""
KUEUE_STOPS_FOR_THE_POD = ("NoMatchingWorkload", "MaximumExecutionTimeExceeded")
"""Ends of Kueue's reasons that the next pod would meet, too: the pod was changed, or ran for longer than its label
``kueue.x-k8s.io/max-exec-time-seconds`` allows. All reasons, of which some have another appended to them:
https://github.com/kubernetes-sigs/kueue/blob/v0.17.0/pkg/controller/jobframework/interface.go#L83
"""


@dataclass(frozen=True)
class Terminated:
    """A container that ended."""

    exit_code: int
    reason: str
    message: str
    """The termination message: the record, if the container wrote one."""
    started: datetime | None
    finished: datetime | None

    @property
    def seconds(self) -> float:
        """How long it ran."""
        if self.started is None or self.finished is None:
            return 0.0
        return max(0.0, (self.finished - self.started).total_seconds())


NODE_LOST_DISRUPTIONS = frozenset({"DeletionByTaintManager", "DeletionByPodGC"})
"""Reasons of DisruptionTarget that concern the node, not the pod: it does not report any more, or is gone."""

STARTING = frozenset({"ContainerCreating", "PodInitializing"})
"""Reasons that each container waits for before it starts."""


@dataclass(frozen=True)
class PodSnapshot:
    """A task pod as last observed."""

    name: str
    uid: str
    role: str
    work: str
    attempt: int
    nonce: str
    created: datetime
    bound: datetime
    """When the scheduler bound it to a node; when it was created, as long as no scheduler has."""
    accepted: datetime | None
    """When a kubelet took it."""
    phase: str
    reason: str
    message: str
    node: str | None
    deleted: datetime | None
    """When its grace period ends or ended, once somebody has deleted it."""
    finalizer_removed: bool
    """Our finalizer is removed: the pod needs nothing more from us."""
    unschedulable: str | None
    """Message of PodScheduled=False, when the scheduler found no node."""
    gated: bool
    disrupted: str | None
    """Reason of the condition DisruptionTarget=True; else, after a stop by Kueue: ``StoppedByKueue``, or its own."""
    waiting: str | None
    """Reason that the container waits for, such as ImagePullBackOff."""
    waiting_message: str
    running: bool
    terminated: Terminated | None
    deadline: datetime | None
    """When ``activeDeadlineSeconds`` runs out, once a kubelet has taken the pod."""
    estimated_cpu: str | None = None
    """Its CPU request, when that is an estimate of ours that may be too small."""
    disruption_message: str = ""
    """Message of that condition; with Kueue's own reason before it."""
    gates: tuple[str, ...] = ()
    """Names of its scheduling gates."""
    queue: str = ""
    """LocalQueue of Kueue that it waits in."""
    owner_uid: str = ""
    """UID of its owner, by its label; empty in pods of the release before."""

    @property
    def deleting(self) -> bool:
        """Whether it was deleted."""
        return self.deleted is not None

    @property
    def node_lost(self) -> bool:
        """It was deleted because its node was lost: no kubelet will report its end, serve its log or remove it."""
        return self.deleting and self.disrupted in NODE_LOST_DISRUPTIONS

    @property
    def ended(self) -> bool:
        """The container will not run again, whatever the pod's phase says: the phase lags by one to two seconds."""
        return self.terminated is not None or self.phase in ("Succeeded", "Failed")

    def concerns_owner(self, before: "PodSnapshot | None") -> bool:
        """Whether its owner has something to do since ``before``.

        Not for a pod that is placed, pulled and started as planned: that is most of its changes, and a reconcile each.
        The owner looks at its grace periods every 30 seconds. Nor for one that has been released.
        """
        if before is None:
            return self.node_lost or not (self.deleting and self.finalizer_removed)
        return self._owners_part() != before._owners_part()

    def _owners_part(self) -> tuple[object, ...]:
        starting = self.waiting in STARTING
        return (
            self.uid,
            self.terminated,
            self.phase if self.ended and self.terminated is None else None,
            self.reason,
            self.message,
            self.deleting,
            self.finalizer_removed,
            self.disrupted,
            self.unschedulable,
            self.gates,
            None if starting else self.waiting,
            "" if starting else self.waiting_message,
        )


def read_snapshot(pod: JsonMapping) -> PodSnapshot:
    """Read a pod's JSON. Raises ``KeyError`` on what is not one of our pods."""
    meta, status = pod["metadata"], pod.get("status", {})
    notes, tags = meta.get("annotations", {}), meta.get("labels", {})
    conditions = {item["type"]: item for item in status.get("conditions", [])}
    scheduled = conditions.get("PodScheduled", {})
    disrupted = _true_condition(conditions, "DisruptionTarget") or _stop_by_kueue(conditions)
    state: JsonMapping = next((item.get("state", {}) for item in status.get("containerStatuses", [])), {})
    waiting = state.get("waiting", {})
    return PodSnapshot(
        name=meta["name"],
        uid=meta["uid"],
        role=tags.get(labels.ROLE, ""),
        work=tags.get(labels.WORK, ""),
        attempt=int(tags.get(labels.ATTEMPT, "0")),
        nonce=notes.get(labels.NONCE, ""),
        created=parse_timestamp(meta["creationTimestamp"]),
        bound=parse_timestamp(_bound_at(scheduled) or meta["creationTimestamp"]),
        accepted=parse_timestamp(status["startTime"]) if status.get("startTime") else None,
        phase=status.get("phase", "Pending"),
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        node=pod.get("spec", {}).get("nodeName"),
        deleted=parse_timestamp(meta["deletionTimestamp"]) if "deletionTimestamp" in meta else None,
        finalizer_removed=labels.FINALIZER not in meta.get("finalizers", []),
        unschedulable=_unscheduled_message(scheduled, "Unschedulable"),
        gated=_unscheduled_message(scheduled, "SchedulingGated") is not None,
        disrupted=disrupted.get("reason"),
        waiting=waiting.get("reason"),
        waiting_message=waiting.get("message", ""),
        running="running" in state,
        terminated=_terminated(state.get("terminated")),
        deadline=_deadline(status.get("startTime"), pod.get("spec", {}).get("activeDeadlineSeconds")),
        estimated_cpu=notes.get(labels.ESTIMATED_CPU),
        disruption_message=disrupted.get("message", ""),
        gates=tuple(gate["name"] for gate in pod.get("spec", {}).get("schedulingGates", [])),
        queue=tags.get(KUEUE_QUEUE, ""),
        owner_uid=tags.get(labels.OWNER_UID, ""),
    )


def _true_condition(conditions: Mapping[str, JsonMapping], kind: str) -> JsonMapping:
    found = conditions.get(kind, {})
    return found if found.get("status") == "True" else {}


def _stop_by_kueue(conditions: Mapping[str, JsonMapping]) -> JsonMapping:
    """Reason and message of a stop by Kueue; empty without one."""
    stop = _true_condition(conditions, "TerminationTarget")
    reason = stop.get("reason", "")
    if not stop or reason.endswith(KUEUE_STOPS_FOR_THE_POD):
        return stop
    return {"reason": STOPPED_BY_KUEUE, "message": f"{reason}: {stop.get('message', '')}"}


def _unscheduled_message(scheduled: JsonMapping, reason: str) -> str | None:
    if scheduled.get("status") == "False" and scheduled.get("reason") == reason:
        return str(scheduled.get("message", ""))
    return None


def _bound_at(scheduled: JsonMapping) -> str | None:
    return scheduled.get("lastTransitionTime") if scheduled.get("status") == "True" else None


def _deadline(started: str | None, seconds: int | None) -> datetime | None:
    return parse_timestamp(started) + timedelta(seconds=seconds) if started and seconds is not None else None


def _terminated(state: JsonMapping | None) -> Terminated | None:
    if state is None:
        return None
    return Terminated(
        exit_code=int(state.get("exitCode", -1)),
        reason=state.get("reason", ""),
        message=state.get("message", ""),
        started=parse_timestamp(state["startedAt"]) if state.get("startedAt") else None,
        finished=parse_timestamp(state["finishedAt"]) if state.get("finishedAt") else None,
    )


def parse_timestamp(text: str) -> datetime:
    """A Kubernetes timestamp."""
    return datetime.fromisoformat(text)
