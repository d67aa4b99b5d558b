"""Decide the next move for one piece of work from its current attempt and that attempt's pod. Pure.

::

    (no attempt) ──StartPod 0──> running ──record──> CollectResult
                                   │ infrastructure fault ──> RetryAttempt: StartPod n+1 after a backoff
                                   │ the pod never ran, an object is missing ──> the same, as often as it takes
                                   │ OOMKilled, first time ──> RetryAttempt: StartPod n+1 with twice the memory
                                   └ any other fault, or no retries left ──> FailAttempt
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from swefoundry.api import reasons
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.settings import Settings
from swefoundry.text.due_times import due_time
from swefoundry.workloads.attempt import Work
from swefoundry.workloads.cpu_starvation import CPU_STARVED, starved_run
from swefoundry.workloads.pod_outcomes import (
    FaultCategory,
    PodFault,
    PodResult,
    PodRunning,
    PodState,
    PodWaiting,
    UnavailableHost,
)
from swefoundry.workloads.pod_snapshot import STOPPED_BY_KUEUE, PodSnapshot
from swefoundry.workloads.pod_status import (
    CONTAINER_CREATING,
    DEADLINE_EXCEEDED,
    IMAGE_PULL_TRANSIENT,
    NODE_PRESSURE,
    GracePeriods,
    read_pod,
)

MAX_DOUBLINGS = 30
"""Of a pause: far more than the longest one takes, and a number that a float holds."""

WAIT_REQUEUE_SECONDS = 30.0
"""Requeue interval while a pod waits: grace periods expire without a watch event."""

EVENTS_AFTER_SECONDS = 30.0
"""A pod that has a node and waits for longer is explained by its events: most waits are over by then."""

POD_LOST = "PodLost"
"""Reason of an attempt whose pod is not in the cache any more; ``verify_pod_lost`` asks the API before it counts."""

INFRASTRUCTURE_CODES = frozenset({ExitCode.INFRASTRUCTURE, ExitCode.PUSH_FAILED})
"""Exit codes of records that report an infrastructure fault, such as a registry that did not answer."""

UPSTREAM_UNAVAILABLE = "UpstreamUnavailable"
"""Reason of a build that a package index, a mirror or the name service did not answer: every draft would meet it."""

ADDRESS_UNREACHABLE = "AddressUnreachable"
"""Reason of a build whose Dockerfile names an address that did not answer. The last attempt's record is a result: the
draft is at fault, and another may do without the address.
"""

REFERENCE_MISSING = "ReferenceMissing"
"""Retried like an infrastructure fault: a ConfigMap or Secret may be applied after the object that names it."""

UNSTARTED_REASONS = frozenset({CONTAINER_CREATING, DEADLINE_EXCEEDED, IMAGE_PULL_TRANSIENT})
"""Infrastructure faults of pods that did no work. Time alone suggests them, so they are retried without a limit."""


@dataclass(frozen=True)
class StartPod:
    """Create the pod of an attempt, or adopt it when it exists already."""

    work: Work
    number: int = 0
    memory_factor: int = 1
    full_requests: bool = False
    """Requests are not estimated."""
    host: str | None = None
    """A host that the attempt before could not reach."""


@dataclass(frozen=True)
class CollectResult:
    """Store the evidence of a pod that ended with a valid record."""

    work: Work
    pod: PodSnapshot
    result: PodResult


@dataclass(frozen=True)
class RetryAttempt:
    """Record that the attempt ended with a fault, and plan the next one."""

    work: Work
    ended: Attempt
    planned: Attempt
    unavailable: UnavailableHost | None = None


@dataclass(frozen=True)
class FailAttempt:
    """Record a terminal failure: retries are exhausted or would not help."""

    work: Work
    ended: Attempt
    fault: PodFault


@dataclass(frozen=True)
class Wait:
    """Do nothing until the next event, or for ``requeue_seconds`` at most."""

    subject: str
    """The waiting work, or another name that a condition message can show."""
    reason: str
    message: str = ""
    requeue_seconds: float = WAIT_REQUEUE_SECONDS
    adopted: Attempt | None = None
    """An attempt whose pod exists and that the status does not list yet: the operator ended between the two writes."""
    warnings_of: str | None = None
    """UID of the pod whose last Warning event belongs to the message: it has waited on its node for a while."""


AttemptChange = RetryAttempt | FailAttempt | Wait
"""Moves that only change the status."""

Move = StartPod | CollectResult | AttemptChange


@dataclass(frozen=True)
class WorkState:
    """Attempts in an object's status, its pods, and the settings that limit them."""

    running: Sequence[Attempt]
    pods: Sequence[PodSnapshot]
    now: datetime
    settings: Settings
    first_attempt: int = 0
    """Number of the first attempts since the object was last retried."""

    def attempt(self, work: Work) -> Attempt | None:
        """The current attempt in the status."""
        return next((item for item in self.running if item.work == str(work)), None)

    def pod(self, work: Work, number: int) -> PodSnapshot | None:
        """The newest pod of the work from attempt ``number`` on; a newer one than the status lists is adopted."""
        found = [pod for pod in self.pods if pod.work == str(work) and pod.attempt >= number]
        return max(found, key=lambda pod: pod.attempt, default=None)


def _sizes(listed: Attempt | None) -> dict[str, Any]:
    """The fields of an attempt that size its pod."""
    if listed is None:
        return {}
    return {"memory_factor": listed.memory_factor, "full_requests": listed.full_requests}


def next_move(work: Work, work_state: WorkState) -> Move:
    """The next move for ``work``."""
    attempt = work_state.attempt(work)
    pod = work_state.pod(work, attempt.number if attempt else work_state.first_attempt)
    if pod is None:
        return _first_move(work, attempt, work_state)
    grace = GracePeriods(
        pull=work_state.settings.pull_grace_seconds, start=work_state.settings.start_grace_seconds
    )
    number = pod.attempt
    listed = attempt if attempt and attempt.number == number else None
    current = Attempt(
        work=str(work), number=number, pod=pod.name, uid=pod.uid, node=pod.node, **_sizes(listed)
    )
    state = _classify_infrastructure_codes(read_pod(pod, work_state.now, grace), pod, work_state)
    move = _move_for_state(work, current, pod, state, work_state)
    if isinstance(move, Wait) and (attempt is None or attempt.uid != pod.uid):
        return replace(move, adopted=current)
    return move


def hold_if_suspended(move: Move, suspended: bool) -> Move:
    """Replace the start of a pod by a wait while the task is suspended; results of running pods are still collected."""
    if isinstance(move, StartPod) and suspended:
        return Wait(str(move.work), reasons.SUSPENDED, "spec.suspend is true: no new pod is started")
    return move


def _first_move(work: Work, attempt: Attempt | None, work_state: WorkState) -> Move:
    if attempt is None:
        return StartPod(work, work_state.first_attempt)
    if attempt.uid is not None:
        lost = PodFault(
            FaultCategory.INFRASTRUCTURE, POD_LOST, "the pod disappeared before its result was stored"
        )
        return _after_fault(work, attempt, lost, work_state)
    if attempt.not_before is not None and attempt.not_before > work_state.now:
        pause = (attempt.not_before - work_state.now).total_seconds()
        due = f"next attempt at {due_time(attempt.not_before, work_state.now)}"
        return Wait(str(work), "Backoff", "; ".join(filter(None, [attempt.message, due])), pause)
    return StartPod(work, attempt.number, attempt.memory_factor, bool(attempt.full_requests), attempt.host)


def _move_for_state(
    work: Work, current: Attempt, pod: PodSnapshot, state: PodState, work_state: WorkState
) -> Move:
    match state:
        case PodWaiting(reason, message):
            warnings_of = pod.uid if _waits_long_on_node(pod, work_state.now) else None
            return Wait(str(work), reason, message, warnings_of=warnings_of)
        case PodRunning():
            return Wait(str(work), "Running")
        case PodResult():
            return CollectResult(work, pod, state)
        case PodFault():
            return _after_fault(work, current, state, work_state)


def _waits_long_on_node(pod: PodSnapshot, now: datetime) -> bool:
    waited = now - pod.bound
    return pod.node is not None and not pod.deleting and waited > timedelta(seconds=EVENTS_AFTER_SECONDS)


SIZE_FAULTS = frozenset({CPU_STARVED, NODE_PRESSURE})
"""Faults that a pod with small requests meets; the next one requests all that it may use."""

RETRIED_CODES = {
    ExitCode.MODEL_UNAVAILABLE: (FaultCategory.INFRASTRUCTURE, "ModelUnavailable"),
    ExitCode.UPSTREAM_UNAVAILABLE: (FaultCategory.INFRASTRUCTURE, UPSTREAM_UNAVAILABLE),
    ExitCode.ADDRESS_UNREACHABLE: (FaultCategory.INFRASTRUCTURE, ADDRESS_UNREACHABLE),
    ExitCode.HOST_UNAVAILABLE: (FaultCategory.INFRASTRUCTURE, reasons.HOST_UNAVAILABLE),
    ExitCode.REFERENCE_MISSING: (FaultCategory.CONFIGURATION, REFERENCE_MISSING),
}
"""Records that are no result of the work, with the fault that they stand for."""


def _classify_infrastructure_codes(state: PodState, pod: PodSnapshot, work_state: WorkState) -> PodState:
    if not isinstance(state, PodResult):
        return state
    message = str(state.record.get("message", ""))[:2000]
    away = _unavailable_host(state, message)
    if state.code in INFRASTRUCTURE_CODES:
        # A program that stores something on SIGTERM ends with this code, too: then the cause is the pod's deletion.
        reason = (pod.disrupted or "PodDeleted") if pod.deleting else "RegistryFault"
        return PodFault(FaultCategory.INFRASTRUCTURE, reason, message, state.code, state.seconds, away)
    tries = pod.attempt - work_state.first_attempt
    if state.code == ExitCode.ADDRESS_UNREACHABLE and tries >= work_state.settings.max_infra_retries:
        return state
    if (starved := starved_run(state, pod)) is not None:
        return starved
    if state.code not in RETRIED_CODES:
        return state
    category, reason = RETRIED_CODES[ExitCode(state.code)]
    return PodFault(category, reason, message, state.code, state.seconds, away)


def _unavailable_host(state: PodResult, message: str) -> UnavailableHost | None:
    host, seconds = state.record.get("host"), state.record.get("retryAfterSeconds")
    if not isinstance(host, str):
        return None
    return UnavailableHost(host[:253], message, seconds if isinstance(seconds, int | float) else None)


def _after_fault(work: Work, current: Attempt, fault: PodFault, work_state: WorkState) -> AttemptChange:
    ended = current.model_copy(
        update={
            "outcome": fault.category.value,
            "reason": fault.reason,
            "message": fault.message or None,
            "exit_code": fault.exit_code,
            "seconds": fault.seconds,
            "not_before": None,
        }
    )
    planned = next_attempt(current, fault, work_state)
    if planned is None:
        return FailAttempt(work, ended, fault)
    return RetryAttempt(work, ended, planned, fault.unavailable)


def next_attempt(current: Attempt, fault: PodFault, work_state: WorkState) -> Attempt | None:
    """Return the attempt that follows a fault; None when a retry would not help or none is left."""
    number = current.number + 1
    fresh = Attempt(
        work=current.work,
        number=number,
        pod="",
        memory_factor=current.memory_factor,
        full_requests=current.full_requests or fault.reason in SIZE_FAULTS or None,
        message=fault.message or None,
    )
    if fault.reason == CPU_STARVED:
        return fresh
    if fault.category is FaultCategory.LIMIT and fault.reason == "OOMKilled" and current.memory_factor == 1:
        return fresh.model_copy(update={"memory_factor": 2})
    tries = current.number - work_state.first_attempt
    if tries < _max_retries(fault, work_state.settings):
        if fault.unavailable is not None:
            # The host's back-off, which all pods share, says when (workloads/host_backoff.py).
            return fresh.model_copy(update={"host": fault.unavailable.host})
        seconds = _pause_seconds(tries, fault, work_state.settings)
        return fresh.model_copy(update={"not_before": work_state.now + timedelta(seconds=seconds)})
    return None


def _max_retries(fault: PodFault, settings: Settings) -> float:
    if fault.reason == REFERENCE_MISSING:
        return math.inf
    if fault.category is not FaultCategory.INFRASTRUCTURE:
        return 0
    if fault.reason in {*UNSTARTED_REASONS, STOPPED_BY_KUEUE, reasons.HOST_UNAVAILABLE}:
        return math.inf
    outage = fault.unavailable is not None or fault.reason == UPSTREAM_UNAVAILABLE
    return settings.max_outage_retries if outage else settings.max_infra_retries


def _pause_seconds(number: int, fault: PodFault, settings: Settings) -> float:
    """The pause doubles, so that it is never longer than what was waited for before."""
    longest = settings.max_away_seconds if fault.reason == REFERENCE_MISSING else settings.max_retry_seconds
    return min(settings.retry_seconds * 2.0 ** min(number, MAX_DOUBLINGS), longest)


def after_lost_log(move: CollectResult, work_state: WorkState) -> AttemptChange:
    """Return the retry or failure of an attempt whose log is lost: a result without evidence does not count."""
    attempt = work_state.attempt(move.work)
    current = Attempt(
        work=str(move.work),
        number=move.pod.attempt,
        pod=move.pod.name,
        uid=move.pod.uid,
        node=move.pod.node,
        **_sizes(attempt),
    )
    message = "the pod was removed before its log was read"
    lost = PodFault(FaultCategory.INFRASTRUCTURE, "LogLost", message, move.result.code, move.result.seconds)
    return _after_fault(move.work, current, lost, work_state)
