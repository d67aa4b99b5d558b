"""Statuses that are not written yet, because they only show progress: what follows within a second is one write.

Such a status is in the cache as if it were written. When the operator ends before it is, the next one comes to the same
status from the pods and objects that exist, as it does after a crash between a creation and the write that tells of it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from swefoundry.api.conditions import READY
from swefoundry.kube.workqueue import Key

JsonStatus = Mapping[str, Any]

PROGRESS_FIELDS = frozenset(
    {
        "conditions",
        "envBuild",
        "environmentSeconds",
        "image",
        "observedGeneration",
        "phase",
        "round",
        "running",
        "startedAt",
        "strategy",
    }
)
"""Fields that follow from pods and the EnvBuild. All others hold results, or plans that must not be lost."""

PHASE_SECONDS = 1.0
"""A phase, or a reason, that lasts for less is not written."""
REPEATED_SECONDS = 5.0
"""A phase that a TaskInstance only repeats from its EnvBuild, which shows it already, is not written when it lasts for
less.
"""
DETAIL_SECONDS = 10.0
"""For how long pods that started, and messages such as places in a queue, are collected while the phase stays."""


@dataclass(frozen=True)
class _Unwritten:
    version: str
    """resourceVersion of the object."""
    written: JsonStatus
    """The status that the API server has."""
    since: float
    phase_since: float | None
    """When a phase came that is not written."""


class UnwrittenStatuses:
    """What the API server has, of the objects whose status in the cache is newer."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        phase_seconds: float = PHASE_SECONDS,
        detail_seconds: float = DETAIL_SECONDS,
        repeated_seconds: float = REPEATED_SECONDS,
    ) -> None:
        self._clock = clock
        self._phase_seconds = phase_seconds
        self._detail_seconds = detail_seconds
        self._repeated_seconds = repeated_seconds
        self._unwritten: dict[Key, _Unwritten] = {}

    def written(self, key: Key, version: str) -> JsonStatus | None:
        """The status that the API server has of this version of the object; None when it is that of the cache."""
        known = self._unwritten.get(key)
        return known.written if known is not None and known.version == version else None

    def postpone(
        self,
        key: Key,
        version: str,
        written: JsonStatus,
        new: JsonStatus,
        *,
        repeated: bool = False,
        held: bool = False,
    ) -> float:
        """Seconds for which ``new`` need not be written; 0: write it now.

        ``repeated``: the object repeats what another one shows. ``held``: its results are in pods that stay until they
        are written.
        """
        if not (held or is_progress(written, new)):
            return 0.0
        now, known = self._clock(), self._unwritten.get(key)
        since, phase_since = now, None
        if known is not None and known.version == version:
            since, phase_since = known.since, known.phase_since
        if not shows_other_phase(written, new):
            phase_since = None
        elif phase_since is None:
            phase_since = now
        due = since + self._detail_seconds
        if phase_since is not None:
            due = min(due, phase_since + (self._repeated_seconds if repeated else self._phase_seconds))
        if due <= now:
            return 0.0
        self._unwritten[key] = _Unwritten(version, written, since, phase_since)
        return due - now

    def forget(self, key: Key) -> None:
        """The status in the cache is written, or the object is gone."""
        self._unwritten.pop(key, None)


def is_progress(written: JsonStatus, new: JsonStatus) -> bool:
    """Whether the statuses differ only in what is found again without them. Pure.

    The end of work is written at once, and so is an attempt that is planned.
    """
    differing = {name for name in written.keys() | new.keys() if written.get(name) != new.get(name)}
    return differing <= PROGRESS_FIELDS


def shows_other_phase(written: JsonStatus, new: JsonStatus) -> bool:
    """Whether people see another phase or reason. Pure."""
    return _shown(written) != _shown(new)


def _shown(status: JsonStatus) -> tuple[object, ...]:
    ready = [item.get("reason") for item in status.get("conditions", ()) if item.get("type") == READY]
    return (status.get("phase"), *ready)
