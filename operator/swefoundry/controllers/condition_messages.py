"""What is said of attempts, in the same words for both kinds. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from swefoundry.api import reasons
from swefoundry.contracts.intake import IntakeRecord
from swefoundry.text.plurals import counted
from swefoundry.workloads.decide import Await, Surrender
from swefoundry.workloads.lifecycle import Queued
from swefoundry.workloads.pod_outcomes import Blame

BLAMED = {
    Blame.INFRASTRUCTURE: reasons.INFRASTRUCTURE,
    Blame.LIMIT: reasons.LIMIT,
    Blame.ENVIRONMENT: reasons.ENVIRONMENT_FAILED,
    Blame.CONFIGURATION: reasons.MISCONFIGURED,
    Blame.TAMPERING: reasons.TAMPERED,
}


QUIET = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Running", "Terminating"})
"""Waits that pass by themselves in seconds: telling them would cost a status write each."""


def waiting_sentence(results: Sequence[object]) -> str:
    """What is waited for, for the message of Reconciling: places first."""
    queued = [f"{item.work}: {reasons.QUEUED}" for item in results if isinstance(item, Queued)]
    waits = [item for item in results if isinstance(item, Await) and item.reason not in QUIET]
    told = [f"{item.work}: {item.reason}" + (f" ({item.message})" if item.message else "") for item in waits]
    return "; ".join([*queued, *told])


def refused_intake(record: IntakeRecord) -> tuple[str, str]:
    """Reason and message of an intake that refused the row."""
    reason = reasons.INTAKE_REASONS.get(record.code, reasons.DEFECT)
    return reason, record.message or f"intake ended with code {record.code}"


def surrendered(move: Surrender) -> tuple[str, str]:
    """Reason and message of a piece of work that was given up."""
    return BLAMED[move.fault.blame], fault_sentence(move)


def fault_sentence(move: Surrender) -> str:
    """Why a piece of work was given up."""
    fault = move.fault
    tries = counted(move.ended.number + 1, "attempt")
    return f"{move.work}: {fault.reason} after {tries}: {fault.message}".rstrip(": ")


def isolation_sentence(who: str) -> str:
    """What to do when ``who`` could reach the canary."""
    return (
        f"{who} reached the canary address although the network is to be denied: "
        "install a CNI that enforces NetworkPolicies, or set spec.validation.network: Allow"
    )


def human(span: timedelta) -> str:
    """A time span as kubectl prints ages."""
    seconds = int(span.total_seconds())
    if seconds < 120:
        return f"{seconds}s"
    if seconds < 7200:
        return f"{seconds // 60}m{seconds % 60:02d}s"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02d}m"


def duration(started: datetime | None, finished: datetime) -> str:
    """From start to finish."""
    return human(finished - (started or finished))
