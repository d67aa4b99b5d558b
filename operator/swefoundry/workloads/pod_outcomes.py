"""What a pod amounts to at this moment: it waits, runs, ended with a believable record, or was lost to a fault.

Only ``PodResult`` may become a grade. A fault is never a verdict: it is tried again, or reported as what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultCategory(StrEnum):
    """Whose fault a fault is, which says what happens next."""

    INFRASTRUCTURE = "Infrastructure"
    """The cluster's: the pod is replaced, up to ``max_infra_retries`` times."""
    LIMIT = "Limit"
    """A resource limit was reached: replaced once with more, then reported as such."""
    ENVIRONMENT = "Environment"
    """The image cannot be started: no retry helps."""
    CONFIGURATION = "Configuration"
    """The cluster or the manifest is set up wrongly: stalled until somebody mends it."""
    TAMPERING = "Tampering"
    """The record does not fit the exit code or the order: nothing it says is believed."""


@dataclass(frozen=True)
class PodWaiting:
    """The container has not started."""

    reason: str
    message: str = ""


@dataclass(frozen=True)
class PodRunning:
    """The container runs."""


@dataclass(frozen=True)
class PodResult:
    """The container ended and left a record that answers its order."""

    code: int
    """Canonical exit code; equal to the one in the record."""
    record: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class PodFault:
    """The pod ended, or will never start, for a reason that is no result."""

    category: FaultCategory
    reason: str
    message: str = ""
    exit_code: int | None = None
    seconds: float = 0.0


PodState = PodWaiting | PodRunning | PodResult | PodFault
