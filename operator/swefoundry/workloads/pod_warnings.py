"""Last Warning events of pods that wait: FailedMount, FailedCreatePodSandBox and the like, which no status shows.

Events are not watched: there are far more of them than of all other objects. Those of one pod are read when it has
waited for a while, in growing intervals, and never more than one request per second altogether.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from swefoundry import errors
from swefoundry.kube.api_client import KubeClient

FIRST_INTERVAL_SECONDS = 30.0
LAST_INTERVAL_SECONDS = 300.0
"""Messages of sandboxes name a new one each time, and each change of a message is a write of a status."""

SECONDS_PER_REQUEST = 1.0
"""The API server reads all events of a namespace to find those of one object."""

MAX_PODS = 512
"""Pods whose events are remembered; more than wait at a time."""

FAILED_SCHEDULING = "FailedScheduling"
"""What the condition `PodScheduled` says, too, and no longer once the pod has a node."""

MAX_MESSAGE = 500
"""Characters of an event's message in a condition."""


@dataclass(frozen=True)
class PodWarning:
    """A Warning event."""

    reason: str
    message: str

    @property
    def names_missing_object(self) -> bool:
        """Whether a volume cannot be mounted because its ConfigMap, Secret or key does not exist."""
        text = self.message.lower()
        return self.reason == "FailedMount" and ("not found" in text or "non-existent" in text)


@dataclass
class _KnownWarning:
    warning: PodWarning | None = None
    interval: float = FIRST_INTERVAL_SECONDS / 2
    due: float = 0.0


class PodWarnings:
    """Reads the events of a pod, and remembers the last."""

    def __init__(self, kube: KubeClient, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._clock = clock
        self._known: OrderedDict[str, _KnownWarning] = OrderedDict()
        self._next_request = 0.0

    async def last(self, namespace: str, uid: str) -> PodWarning | None:
        """The last Warning event of a pod as far as it is known; read again when that is due."""
        known = self._known.setdefault(uid, _KnownWarning())
        self._known.move_to_end(uid)
        while len(self._known) > MAX_PODS:
            self._known.popitem(last=False)
        now = self._clock()
        if now < max(known.due, self._next_request):
            return known.warning
        self._next_request = now + SECONDS_PER_REQUEST
        known.interval = min(known.interval * 2, LAST_INTERVAL_SECONDS)
        known.due = now + known.interval
        with suppress(errors.SwefoundryError):  # a missing explanation holds up no work
            known.warning = newest_warning(await self._kube.warnings(namespace, uid)) or known.warning
        return known.warning


def newest_warning(events: list[dict[str, Any]]) -> PodWarning | None:
    """The event that happened last, apart from those of the scheduler."""
    unseen = (event for event in events if event.get("reason") != FAILED_SCHEDULING)
    newest = max(unseen, key=_happened_at, default=None)
    if newest is None:
        return None
    message = " ".join(str(newest.get("message") or "").split())
    return PodWarning(str(newest.get("reason") or "Warning"), message[:MAX_MESSAGE])


def _happened_at(event: Mapping[str, Any]) -> str:
    """Timestamps compare as text; repeated events have theirs in the series."""
    series = event.get("series") or {}
    candidates = (series.get("lastObservedTime"), event.get("lastTimestamp"), event.get("eventTime"))
    return max((str(each) for each in candidates if each), default="")
