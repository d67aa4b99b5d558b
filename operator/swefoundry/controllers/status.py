"""Status transitions that both kinds share: started, attempt tracked, attempt closed, working, finished. Pure.

The transitions for results that only one kind has are in its own ``status`` module.
"""

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from swefoundry.api import reasons
from swefoundry.api.conditions import (
    READY,
    RECONCILING,
    STALLED,
    SUCCEEDED,
    ConditionStatus,
    condition,
    merge_conditions,
    reason_of,
)
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.api.taskinstance import TaskInstanceStatus
from swefoundry.api.types import Attempt, Condition
from swefoundry.controllers.condition_messages import format_elapsed, keep_position
from swefoundry.workloads.decide import RetryAttempt, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued
from swefoundry.workloads.pod_outcomes import FaultCategory
from swefoundry.workloads.pod_snapshot import PodSnapshot

MAX_ATTEMPTS_SHOWN = 5
"""Ended attempts that a status keeps; the others are in events, metrics, the log and evidence."""

WAITS_FOR_NODE = frozenset({"Unschedulable", "SchedulingGated"})
"""Reasons of waits for pods that no node has."""

S = TypeVar("S", TaskInstanceStatus, EnvBuildStatus)

ReasonMessage = tuple[str, str]
"""A condition's reason and message."""

ConditionStamp = tuple[int, datetime]
"""The generation that was observed, and the time."""

WORKING_STATES: Mapping[str, ConditionStatus] = {READY: "False", RECONCILING: "True"}
"""Conditions of an object whose work continues."""

FAILED_STATES: Mapping[str, ConditionStatus] = {READY: "False", STALLED: "True", SUCCEEDED: "False"}
"""Conditions of an object whose work ended without a result."""


def with_fields(status: S, **fields: Any) -> S:
    """A copy of ``status`` with these fields replaced."""
    return status.model_copy(update=fields)


def mark_started(status: S, stamp: ConditionStamp) -> S:
    """Set the observed generation, and the start time on the first reconcile."""
    generation, now = stamp
    return with_fields(status, observed_generation=generation, started_at=status.started_at or now)


def restart(status: S, value: str, pods: Iterable[PodSnapshot], now: datetime) -> S:
    """Begin again after a failure. Attempts go on counting, so that no pod has the name of an earlier one."""
    numbers = [*(item.number for item in status.attempts), *(pod.attempt for pod in pods)]
    return with_fields(
        status,
        retried=value,
        first_attempt=max(numbers, default=-1) + 1,
        running=[],
        started_at=now,
        finished_at=None,
        duration=None,
    )


def track_attempt(status: S, move: PodStarted | Wait | RetryAttempt) -> S:
    """Follow an attempt that has no result yet: it started, was adopted, or is retried."""
    match move:
        case PodStarted(attempt) | Wait(adopted=Attempt() as attempt):
            return _with_running(status, attempt)
        case RetryAttempt(ended=over, planned=planned):
            status = _with_running(close_attempt(status, over), planned)
            # A memory kill is retried, too, and is no fault of the cluster.
            is_infrastructure = over.outcome == FaultCategory.INFRASTRUCTURE
            return with_fields(status, infra_retries=status.infra_retries + is_infrastructure)
    return status


def close_attempt(status: S, attempt: Attempt) -> S:
    """Move an attempt that ended from ``running`` to ``attempts``, which keeps the last five, oldest first."""
    return with_fields(
        status,
        running=_without(status.running, attempt.work),
        attempts=[*status.attempts, attempt][-MAX_ATTEMPTS_SHOWN:],
    )


def _with_running(status: S, attempt: Attempt) -> S:
    running = [*_without(status.running, attempt.work), attempt]
    return with_fields(status, running=sorted(running, key=lambda item: item.work))


def _without(running: Iterable[Attempt], work: str) -> list[Attempt]:
    return [item for item in running if item.work != work]


def is_queued(status: TaskInstanceStatus | EnvBuildStatus, results: Collection[object]) -> bool:
    """Whether the object waits for a place or for a node, and runs nothing; a retry that is planned has no pod yet."""
    without_node = {
        item.subject for item in results if isinstance(item, Wait) and item.reason in WAITS_FOR_NODE
    }
    if not without_node and not any(isinstance(item, Queued) for item in results):
        return False
    return not any(item.uid and item.work not in without_node for item in status.running)


def waits_for_host(status: TaskInstanceStatus | EnvBuildStatus, results: Iterable[object]) -> bool:
    """Whether the object waits for a host that is away, and runs nothing."""
    waits = any(isinstance(item, Wait) and item.reason == reasons.HOST_UNAVAILABLE for item in results)
    return waits and not any(item.uid for item in status.running)


def mark_working(
    status: S, phase: str, states: Mapping[str, ConditionStatus], why: ReasonMessage, stamp: ConditionStamp
) -> S:
    """Mark work as continuing; ``states`` are the conditions that are unknown until it ends."""
    why = (why[0], keep_position(reason_of(status.conditions, READY)[1], why[1]))
    new = _conditions(WORKING_STATES, why, stamp) + _conditions(states, (why[0], ""), stamp)
    return with_fields(
        status, phase=phase, conditions=merge_conditions(status.conditions, new, absent=[STALLED])
    )


def mark_finished(
    status: S, phase: str, states: Mapping[str, ConditionStatus], why: ReasonMessage, stamp: ConditionStamp
) -> S:
    """Mark work as ended, whatever still runs; ``states`` are the conditions of the object."""
    new = _conditions(states, why, stamp)
    _, now = stamp
    return with_fields(
        status,
        phase=phase,
        conditions=merge_conditions(status.conditions, new, absent=[RECONCILING, STALLED]),
        running=[],
        finished_at=now,
        duration=format_elapsed(status.started_at, now),
    )


def _conditions(
    states: Mapping[str, ConditionStatus], why: ReasonMessage, stamp: ConditionStamp
) -> list[Condition]:
    return [condition(kind, state, *why, stamp) for kind, state in states.items()]
