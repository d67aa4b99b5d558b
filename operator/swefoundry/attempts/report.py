"""How attempts show in a status: the same few lists in both resources. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from swefoundry.api import reasons
from swefoundry.api.parts import Attempt
from swefoundry.attempts.decide import Await, Surrender
from swefoundry.domain.outcomes import Blame

KEPT = 5
"""Ended attempts that a status shows; everything else is in events, metrics and evidence."""

BLAMED = {
    Blame.INFRASTRUCTURE: reasons.INFRASTRUCTURE,
    Blame.LIMIT: reasons.LIMIT,
    Blame.ENVIRONMENT: reasons.ENVIRONMENT_FAILED,
    Blame.CONFIGURATION: reasons.MISCONFIGURED,
    Blame.TAMPERING: reasons.TAMPERED,
}


def running_with(running: Iterable[Attempt], attempt: Attempt) -> list[Attempt]:
    """``running`` with ``attempt`` as its work's current one."""
    return sorted([*without(running, attempt.work), attempt], key=lambda item: item.work)


def without(running: Iterable[Attempt], work: str) -> list[Attempt]:
    """``running`` without ``work``."""
    return [item for item in running if item.work != work]


def history_with(attempts: Iterable[Attempt], attempt: Attempt) -> list[Attempt]:
    """The last five ended attempts, oldest first."""
    return [*attempts, attempt][-KEPT:]


def is_infrastructure(attempt: Attempt) -> bool:
    """Whether an ended attempt counts among the infrastructure retries; a memory kill, say, does not."""
    return attempt.outcome == Blame.INFRASTRUCTURE


QUIET = frozenset({"Pending", "ContainerCreating", "PodInitializing", "Running", "Terminating"})
"""Waits that pass by themselves in seconds: telling them would cost a status write each."""


def waiting_sentence(waits: Iterable[Await]) -> str:
    """What is waited for, for the message of Reconciling."""
    told = [item for item in waits if item.reason not in QUIET]
    parts = [f"{item.work}: {item.reason}" + (f" ({item.message})" if item.message else "") for item in told]
    return "; ".join(parts)


def fault_sentence(move: Surrender) -> str:
    """Why a piece of work was given up."""
    fault = move.fault
    count = move.ended.number + 1
    tries = f"{count} {'attempt' if count == 1 else 'attempts'}"
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
