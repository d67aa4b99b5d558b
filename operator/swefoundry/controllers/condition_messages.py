"""Reasons and messages of conditions that concern attempts, the same for both kinds. Pure."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from swefoundry.api import reasons
from swefoundry.contracts.intake import IntakeResult
from swefoundry.text.plurals import pluralize, with_suffix
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.decide import FailAttempt, Wait
from swefoundry.workloads.lifecycle import Queued
from swefoundry.workloads.pod_outcomes import FaultCategory

REASON_BY_CATEGORY = {
    FaultCategory.INFRASTRUCTURE: reasons.INFRASTRUCTURE,
    FaultCategory.LIMIT: reasons.LIMIT,
    FaultCategory.ENVIRONMENT: reasons.ENVIRONMENT_FAILED,
    FaultCategory.CONFIGURATION: reasons.MISCONFIGURED,
    FaultCategory.TAMPERING: reasons.TAMPERED,
}


TRANSIENT_WAITS = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Running", "Terminating"})
"""Waits that pass within seconds: showing them would cost a status write each."""


POSITION = re.compile(r"(\d+)\w\w of \d+ waiting for an? \w+ place(?:; older ones have no node yet)?")
"""The part of a message that ``queue_text`` writes."""
POSITION_STEP = 4
"""A position is written again when it has come down to a quarter: a batch of ten thousand objects must not cost a write
for each place that becomes free.
"""


def wait_message(results: Sequence[object]) -> str:
    """Message of Reconciling: what the object waits for, pod places first."""
    positions: dict[Role, list[Queued]] = {}
    for item in results:
        if isinstance(item, Queued):
            positions.setdefault(item.position.role, []).append(item)
    queued = [queue_text(items) for items in positions.values()]
    waits = [item for item in results if isinstance(item, Wait) and item.reason not in TRANSIENT_WAITS]
    shown = [
        f"{item.subject}: {item.reason}" + (f" ({item.message})" if item.message else "") for item in waits
    ]
    return "; ".join([*queued, *shown])


def queue_text(queued: Sequence[Queued]) -> str:
    """Work of one role that waits for places, and the first position."""
    first = min((item.position for item in queued), key=lambda position: position.number)
    article = "a" if first.role is Role.BUILD else "an"
    place = f"{with_suffix(first.number)} of {first.waiting} waiting for {article} {first.role.value} place"
    held_back = "; older ones have no node yet" if first.unplaced else ""
    return f"{', '.join(str(item.work) for item in queued)}: {reasons.QUEUED} ({place}{held_back})"


def keep_position(shown: str, message: str) -> str:
    """The message to write: ``shown`` when only positions differ, and none of them much."""
    if POSITION.sub("", shown) != POSITION.sub("", message):
        return message
    numbers = zip(POSITION.findall(shown), POSITION.findall(message), strict=True)
    advanced = any(int(now) * POSITION_STEP <= int(then) for then, now in numbers)
    return message if advanced else shown


def intake_rejection(record: IntakeResult) -> tuple[str, str]:
    """Reason and message of an intake that rejected the row."""
    reason = reasons.INTAKE_REASONS.get(record.code, reasons.DEFECT)
    return reason, record.message or f"intake ended with code {record.code}"


def failure_reason(move: FailAttempt) -> tuple[str, str]:
    """Reason and message of work that failed."""
    return REASON_BY_CATEGORY[move.fault.category], fault_message(move)


def fault_message(move: FailAttempt) -> str:
    """Message of work that failed: the fault, and after how many attempts."""
    fault = move.fault
    tries = pluralize(move.ended.number + 1, "attempt")
    return f"{move.work}: {fault.reason} after {tries}: {fault.message}".rstrip(": ")


def isolation_message(who: str) -> str:
    """Message when ``who`` could reach the canary, with the remedy."""
    return (
        f"{who} reached the canary address although spec.validation.network is Deny: "
        "install a network plug-in (CNI) that enforces NetworkPolicies, or set spec.validation.network: Allow"
    )


def format_timespan(span: timedelta) -> str:
    """A time span as kubectl prints ages."""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 7200:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"


def format_elapsed(started: datetime | None, finished: datetime) -> str:
    """From start to finish."""
    return format_timespan(finished - (started or finished))
