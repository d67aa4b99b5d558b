"""Reasons and messages of conditions that concern attempts, the same for both kinds. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from swefoundry.api import reasons
from swefoundry.contracts.intake import IntakeResult
from swefoundry.text.plurals import pluralize
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


def wait_message(results: Sequence[object]) -> str:
    """Message of Reconciling: what the object waits for, pod places first."""
    queued = [f"{item.work}: {reasons.QUEUED}" for item in results if isinstance(item, Queued)]
    waits = [item for item in results if isinstance(item, Wait) and item.reason not in TRANSIENT_WAITS]
    shown = [
        f"{item.subject}: {item.reason}" + (f" ({item.message})" if item.message else "") for item in waits
    ]
    return "; ".join([*queued, *shown])


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
