"""One log line for each decision of a reconcile that changed something.

Pods come from the results, everything else from the difference between two statuses, as events do. Lines are written
after the status: a reconcile that is repeated because its write failed writes each line once, and one that changes
nothing writes none.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swefoundry.api import conditions
from swefoundry.api.envbuild import EnvBuildStatus, Round
from swefoundry.api.resource import CustomResource
from swefoundry.api.taskinstance import TaskInstanceStatus
from swefoundry.api.types import Attempt
from swefoundry.structured_log import fields
from swefoundry.workloads.decide import CollectResult, FailAttempt, RetryAttempt, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued, finished_attempt

log = logging.getLogger("swefoundry.decisions")

AnyStatus = TaskInstanceStatus | EnvBuildStatus


@dataclass(frozen=True)
class LogLine:
    """A message from a fixed set, and its fields."""

    message: str
    fields: Mapping[str, object]


def log_decisions(
    item: CustomResource[Any, Any], status: AnyStatus, results: Sequence[object], now: datetime
) -> None:
    """Log what a reconcile of ``item`` changed; ``status`` has been written."""
    for line in [*pod_lines(results, now), *status_lines(item.status, status)]:
        log.info(line.message, extra=fields(item, **line.fields))
    for line in wait_lines(results):
        log.debug(line.message, extra=fields(item, **line.fields))


def pod_lines(results: Iterable[object], now: datetime) -> list[LogLine]:
    """Pods that started or ended, and what follows from their end. Pure."""
    lines: list[LogLine] = []
    for result in results:
        match result:
            case PodStarted(attempt):
                lines.append(_started(attempt))
            case Wait(adopted=Attempt() as attempt):
                lines.append(_started(attempt, adopted=True))
            case RetryAttempt(ended=ended, planned=planned):
                lines += [_ended(ended), _retry(planned, now)]
            case FailAttempt(ended=ended):
                lines += [_ended(ended), _given_up(ended)]
            case object(move=CollectResult() as move):
                lines.append(_ended(finished_attempt(move)))
    return lines


def status_lines(old: AnyStatus, new: AnyStatus) -> list[LogLine]:
    """Rounds that started or ended, a verdict, and a change of the phase. Pure."""
    lines: list[LogLine] = []
    if isinstance(old, EnvBuildStatus) and isinstance(new, EnvBuildStatus):
        lines += _round_lines(old.rounds, new.rounds)
    if isinstance(old, TaskInstanceStatus) and isinstance(new, TaskInstanceStatus):
        lines += _verdict_lines(old, new)
    return lines + _phase_lines(old, new)


def wait_lines(results: Iterable[object]) -> list[LogLine]:
    """What the object waits for. Pure."""
    lines: list[LogLine] = []
    for result in results:
        match result:
            case Queued(work, position):
                about = {"work": str(work), "position": position.number, "waiting": position.waiting}
                lines.append(LogLine("waiting for a free pod slot", about))
            case Wait(work, reason, message):
                lines.append(LogLine("waiting", {"work": str(work), "reason": reason, "message": message}))
    return lines


def _started(attempt: Attempt, adopted: bool | None = None) -> LogLine:
    factor = attempt.memory_factor if attempt.memory_factor > 1 else None
    return LogLine("pod started", {**_identity(attempt), "memoryFactor": factor, "adopted": adopted})


def _ended(attempt: Attempt) -> LogLine:
    result = {
        "node": attempt.node,
        "outcome": attempt.outcome,
        "reason": attempt.reason,
        "exitCode": attempt.exit_code,
        "seconds": attempt.seconds,
        "message": attempt.message,
    }
    return LogLine("pod ended", {**_identity(attempt), **result})


def _retry(planned: Attempt, now: datetime) -> LogLine:
    delay = max(0.0, (planned.not_before - now).total_seconds()) if planned.not_before else 0.0
    factor = planned.memory_factor if planned.memory_factor > 1 else None
    return LogLine(
        "retry planned",
        {
            "work": str(planned.work),
            "attempt": planned.number,
            "delaySeconds": delay,
            "memoryFactor": factor,
        },
    )


def _given_up(ended: Attempt) -> LogLine:
    return LogLine(
        "work failed", {"work": str(ended.work), "attempts": ended.number + 1, "reason": ended.reason}
    )


def _identity(attempt: Attempt) -> dict[str, object]:
    return {"work": attempt.work, "attempt": attempt.number, "pod": attempt.pod}


def _round_lines(old: Sequence[Round], new: Sequence[Round]) -> list[LogLine]:
    before = {item.number: item for item in old}
    lines: list[LogLine] = []
    for item in new:
        known = before.get(item.number)
        about = {"round": item.number, "strategy": item.strategy, "label": item.label}
        if known is None:
            lines.append(LogLine("round started", {**about, "draft": item.draft}))
        if item.outcome is not None and (known is None or known.outcome is None):
            end = {"outcome": item.outcome, "image": item.image, "seconds": item.seconds}
            lines.append(LogLine("round ended", {**about, **end, "message": item.message}))
    return lines


def _verdict_lines(old: TaskInstanceStatus, new: TaskInstanceStatus) -> list[LogLine]:
    if new.verdict is None or new.verdict == old.verdict:
        return []
    tests = new.tests
    return [
        LogLine(
            "verdict reached",
            {
                "verdict": new.verdict,
                "failToPass": tests.fail_to_pass if tests else None,
                "passToPass": tests.pass_to_pass if tests else None,
                "bundle": new.evidence,
            },
        )
    ]


def _phase_lines(old: AnyStatus, new: AnyStatus) -> list[LogLine]:
    reason, message = conditions.reason_of(new.conditions, conditions.READY)
    before, _ = conditions.reason_of(old.conditions, conditions.READY)
    if (new.phase, reason) == (old.phase, before):
        return []
    about = {"phase": new.phase, "reason": reason, "message": message, "duration": new.duration}
    if new.phase == old.phase:
        return [LogLine("reason changed", about)]
    return [LogLine("phase changed", {"previous": old.phase, **about})]
