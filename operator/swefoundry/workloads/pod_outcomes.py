"""States of a pod: it waits, runs, ended with a valid record, or was lost to a fault. Pure.

Only ``PodResult`` may become a grade. A fault is never a verdict: it is retried, or reported as what it is.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class FaultCategory(StrEnum):
    """Cause of a fault, which decides what happens next."""

    INFRASTRUCTURE = "Infrastructure"
    """The cluster's: the pod is replaced, up to ``max_infra_retries`` times."""
    LIMIT = "Limit"
    """A resource limit was reached: replaced once with more, then reported as such."""
    ENVIRONMENT = "Environment"
    """The image cannot be started: no retry helps."""
    CONFIGURATION = "Configuration"
    """The cluster or the manifest is configured wrongly: stalled until somebody fixes it."""
    TAMPERING = "Tampering"
    """The record contradicts the exit code or the nonce: nothing in it is used."""


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
    """The container ended and left a valid record."""

    code: int
    """Canonical exit code; equal to the one in the record."""
    record: Mapping[str, Any]
    seconds: float


@dataclass(frozen=True)
class UnavailableHost:
    """A host that a pod needed and that did not answer."""

    host: str
    message: str
    retry_after_seconds: float | None = None


@dataclass(frozen=True)
class PodFault:
    """The pod ended, or will never start, without a result."""

    category: FaultCategory
    reason: str
    message: str = ""
    exit_code: int | None = None
    seconds: float = 0.0
    unavailable: UnavailableHost | None = None
    """The host that is at fault, when the record names one."""


PodState = PodWaiting | PodRunning | PodResult | PodFault
