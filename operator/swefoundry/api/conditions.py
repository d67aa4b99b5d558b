"""Conditions of an object in the standard Kubernetes form.

kstatus (Argo CD, Flux, ``kubectl wait``) reads Ready, Reconciling and Stalled; the last two exist only when true.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Literal

from swefoundry.api.types import Condition

READY = "Ready"
"""Work has ended with a result."""
SUCCEEDED = "Succeeded"
"""True: there is a verdict (whatever it is) or an accepted image. False: work ended without."""
VALIDATED = "Validated"
"""TaskInstance: the verdict is fail2pass."""
RECONCILING = "Reconciling"
"""Work is in progress."""
STALLED = "Stalled"
"""Work ended, and only a change of the object or of the cluster can help."""

ConditionStatus = Literal["True", "False", "Unknown"]


def condition(
    kind: str, status: ConditionStatus, reason: str, message: str, stamp: tuple[int, datetime]
) -> Condition:
    """Return a condition; ``stamp`` is the observed generation and the time."""
    generation, now = stamp
    return Condition(
        type=kind,
        status=status,
        reason=reason,
        message=message[:2000],
        observed_generation=generation,
        last_transition_time=now,
    )


def merge_conditions(
    old: Iterable[Condition], new: Iterable[Condition], absent: Iterable[str] = ()
) -> list[Condition]:
    """Merge ``new`` into ``old`` and remove ``absent``; transition times change only when a status changes."""
    kept = {item.type: item for item in old if item.type not in set(absent)}
    for item in new:
        before = kept.get(item.type)
        if before is not None and before.status == item.status:
            item = item.model_copy(update={"last_transition_time": before.last_transition_time})
        kept[item.type] = item
    return [kept[name] for name in sorted(kept)]


def status_of(conditions: Iterable[Condition], kind: str) -> ConditionStatus:
    """Return the status of a condition; Unknown when it is absent."""
    return next((item.status for item in conditions if item.type == kind), "Unknown")


def reason_of(conditions: Iterable[Condition], kind: str) -> tuple[str, str]:
    """Return reason and message of a condition; empty when it is absent."""
    return next(((item.reason, item.message) for item in conditions if item.type == kind), ("", ""))
