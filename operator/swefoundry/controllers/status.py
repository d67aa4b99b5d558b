"""How both kinds of status follow their attempts: begun, replaced, under way, finished. Pure.

What each kind makes of a result that it asked for is in its own ``report``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from swefoundry.api.conditions import READY, RECONCILING, STALLED, SUCCEEDED, State, condition, merged
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.api.taskinstance import TaskInstanceStatus
from swefoundry.api.types import Attempt, Condition
from swefoundry.controllers.condition_messages import duration
from swefoundry.workloads.decide import Await, Replace
from swefoundry.workloads.lifecycle import Launched
from swefoundry.workloads.pod_outcomes import Blame

KEPT = 5
"""Ended attempts that a status shows; everything else is in events, metrics and evidence."""

S = TypeVar("S", TaskInstanceStatus, EnvBuildStatus)

Why = tuple[str, str]
"""A condition's reason and message."""

Stamp = tuple[int, datetime]
"""The generation that is judged, and the time."""

WORKING: Mapping[str, State] = {READY: "False", RECONCILING: "True"}
"""What is true of an object whose work goes on."""

FAILED: Mapping[str, State] = {READY: "False", STALLED: "True", SUCCEEDED: "False"}
"""What is true of an object whose work ended without a result."""


def updated(status: S, **fields: Any) -> S:
    """``status`` with other values in some fields."""
    return status.model_copy(update=fields)


def begun(status: S, stamp: Stamp) -> S:
    """With the generation that is acted on, and the time of the first look."""
    generation, now = stamp
    return updated(status, observed_generation=generation, started_at=status.started_at or now)


def followed(status: S, move: Launched | Await | Replace) -> S:
    """With what became of one attempt that has no result yet."""
    match move:
        case Launched(attempt) | Await(adopted=Attempt() as attempt):
            return _running(status, attempt)
        case Replace(ended=over, planned=planned):
            status = _running(closed(status, over), planned)
            # A memory kill, say, is replaced, too, and is no fault of the cluster.
            blamed = over.outcome == Blame.INFRASTRUCTURE
            return updated(status, infra_retries=status.infra_retries + blamed)
    return status


def closed(status: S, attempt: Attempt) -> S:
    """With an attempt that ended: its work runs no more, and the last five are shown, oldest first."""
    return updated(
        status,
        running=_without(status.running, attempt.work),
        attempts=[*status.attempts, attempt][-KEPT:],
    )


def _running(status: S, attempt: Attempt) -> S:
    running = [*_without(status.running, attempt.work), attempt]
    return updated(status, running=sorted(running, key=lambda item: item.work))


def _without(running: Iterable[Attempt], work: str) -> list[Attempt]:
    return [item for item in running if item.work != work]


def under_way(status: S, phase: str, states: Mapping[str, State], why: Why, stamp: Stamp) -> S:
    """With work that goes on; ``states`` are what is not known before it ends."""
    new = _conditions(WORKING, why, stamp) + _conditions(states, (why[0], ""), stamp)
    return updated(status, phase=phase, conditions=merged(status.conditions, new, absent=[STALLED]))


def finished(status: S, phase: str, states: Mapping[str, State], why: Why, stamp: Stamp) -> S:
    """With work that has ended, whatever still runs; ``states`` are all that is true of the object."""
    new = _conditions(states, why, stamp)
    _, now = stamp
    return updated(
        status,
        phase=phase,
        conditions=merged(status.conditions, new, absent=[RECONCILING, STALLED]),
        running=[],
        finished_at=now,
        duration=duration(status.started_at, now),
    )


def _conditions(states: Mapping[str, State], why: Why, stamp: Stamp) -> list[Condition]:
    return [condition(kind, state, *why, stamp) for kind, state in states.items()]
