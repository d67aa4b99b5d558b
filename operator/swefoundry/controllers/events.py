"""Kubernetes events of an object: its end, and pods that were retried. Few on purpose."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from swefoundry import errors
from swefoundry.api import conditions, labels
from swefoundry.api.resource import CustomResource
from swefoundry.api.types import Attempt, Condition
from swefoundry.kube.cache import owner_of
from swefoundry.kube.resources import BUILDS, EVENTS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.pod_outcomes import FaultCategory

EVENT_MESSAGE_LIMIT = 1000
"""The API server takes 1024 characters."""


class StatusLike(Protocol):
    """The fields of both statuses that events depend on."""

    @property
    def conditions(self) -> list[Condition]: ...
    @property
    def attempts(self) -> list[Attempt]: ...
    @property
    def finished_at(self) -> datetime | None: ...


@dataclass(frozen=True)
class Event:
    """One event."""

    type: str
    """Normal or Warning."""
    reason: str
    message: str


def diff_events(old: StatusLike, new: StatusLike) -> list[Event]:
    """Events for the difference between two statuses. Pure."""
    events = [
        _retry_event(item)
        for item in _added(old.attempts, new.attempts)
        if item.outcome == FaultCategory.INFRASTRUCTURE
    ]
    if old.finished_at is None and new.finished_at is not None:
        reason, message = conditions.reason_of(new.conditions, conditions.READY)
        stalled = conditions.status_of(new.conditions, conditions.STALLED) == "True"
        events.append(Event("Warning" if stalled else "Normal", reason, message))
    return events


def _serves_task(context: ReconcileContext, item: CustomResource[Any, Any]) -> bool:
    if item.kind != BUILDS.kind:
        return False
    body = context.cache.get(Key(item.kind, item.namespace, item.name))
    return body is not None and owner_of(body) is not None


async def emit_events(
    context: ReconcileContext, item: CustomResource[Any, Any], status: StatusLike, now: datetime
) -> None:
    """Post events after the status is written. They are best effort: an error loses only the event.

    The EnvBuild of a TaskInstance posts no success: its TaskInstance goes on, and posts the end of the work.
    """
    for event in diff_events(item.status, status):
        if event.type == "Normal" and _serves_task(context, item):
            continue
        try:
            await context.kube.create(EVENTS, item.namespace, event_body(item, event, now))
        except errors.SwefoundryError:
            return


def event_body(item: CustomResource[Any, Any], event: Event, now: datetime) -> dict[str, Any]:
    """The Event; its name contains the version of the object, so that a repetition is rejected, not shown."""
    at = now.isoformat().replace("+00:00", "Z")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{item.name[:200]}.{item.resource_version}.{event.reason.lower()}"},
        "involvedObject": {
            "apiVersion": labels.API_VERSION,
            "kind": item.kind,
            "namespace": item.namespace,
            "name": item.name,
            "uid": item.uid,
        },
        "type": event.type,
        "reason": event.reason,
        "message": event.message[:EVENT_MESSAGE_LIMIT],
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "source": {"component": labels.MANAGER},
        "reportingComponent": labels.GROUP,
    }


def _added(old: Sequence[Attempt], new: Sequence[Attempt]) -> list[Attempt]:
    known = {(item.work, item.number) for item in old}
    return [item for item in new if (item.work, item.number) not in known]


def _retry_event(item: Attempt) -> Event:
    message = f"{item.work}, attempt {item.number} on {item.node or 'no node'}: {item.message or item.reason}"
    return Event("Warning", item.reason or "PodLost", message)
