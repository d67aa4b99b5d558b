"""Transitions of a Lease's spec (coordination.k8s.io/v1), the same as those of client-go's leaderelection. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

LeaseSpec = Mapping[str, Any]

RELEASED_SECONDS = 1
"""Duration of a released Lease: the API server wants at least 1, and a Lease without a holder is free at once."""


def is_free(spec: LeaseSpec, identity: str, unchanged_seconds: float) -> bool:
    """Whether ``identity`` may take the Lease, whose spec has not changed for so long by the clock of the caller.

    The times in the spec are of the holder's clock, which may be wrong, and so they are not compared.
    """
    holder = spec.get("holderIdentity")
    return not holder or holder == identity or unchanged_seconds >= spec.get("leaseDurationSeconds", 0)


def held_spec(old: LeaseSpec, identity: str, duration_seconds: int, now: datetime) -> LeaseSpec:
    """The spec after ``identity`` has taken or renewed the Lease."""
    renewed = old.get("holderIdentity") == identity
    return {
        "holderIdentity": identity,
        "leaseDurationSeconds": duration_seconds,
        "acquireTime": old.get("acquireTime") if renewed else micro_time(now),
        "renewTime": micro_time(now),
        "leaseTransitions": old.get("leaseTransitions", 0) + (0 if renewed or not old else 1),
    }


def released_spec(old: LeaseSpec, now: datetime) -> LeaseSpec:
    """The spec after its holder has given the Lease up."""
    return {
        **old,
        "holderIdentity": "",
        "leaseDurationSeconds": RELEASED_SECONDS,
        "acquireTime": micro_time(now),
        "renewTime": micro_time(now),
    }


def micro_time(at: datetime) -> str:
    """A MicroTime: the API server wants exactly six digits after the point."""
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
