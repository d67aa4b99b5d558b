"""Requests for pod places, and the order in which free places are given to them. Pure.

Finish first: the pod nearest to a verdict, then the oldest instance. The total work stays the same, and the first
verdicts come early, instead of all at the end.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from swefoundry.kube.resources import BUILDS, TASKS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.attempt import Role, WorkKind

STEPS_TO_VERDICT: Mapping[tuple[str, WorkKind], int] = {
    (TASKS.kind, WorkKind.EVALUATION): 0,
    (TASKS.kind, WorkKind.CONTROL): 0,
    (TASKS.kind, WorkKind.LEAKS): 0,
    (BUILDS.kind, WorkKind.EVALUATION): 1,
    (BUILDS.kind, WorkKind.CHECKOUT): 2,
    (BUILDS.kind, WorkKind.BUILD): 2,
    (BUILDS.kind, WorkKind.AGENT): 3,
    (BUILDS.kind, WorkKind.INTAKE): 4,
    (TASKS.kind, WorkKind.INTAKE): 4,
}
"""Kinds of work from the matrix back to the intake, by the kind of the object that owns the pod."""


@dataclass(frozen=True, order=True)
class PlaceRequest:
    """A pod that needs a place; the lesser one gets it first.

    Timestamps of the API have whole seconds, and a batch is applied within a few: names decide between equal ones, so
    that an instance has the same rank at every step.
    """

    steps: int
    """Steps to the verdict."""
    created: datetime
    """Creation of the instance that the pod works for."""
    name: str
    """Name of the object that owns the pod."""
    pod: str
    """namespace/name of the pod."""
    key: Key = field(compare=False)
    """The object, which is enqueued when there is a place."""
    role: Role = field(compare=False)

    @property
    def namespace(self) -> str:
        """Namespace of the object and its pods."""
        return self.key.namespace


@dataclass(frozen=True)
class QueuePosition:
    """Position of a request among those of its role and namespace."""

    number: int
    """From 1."""
    waiting: int
    role: Role
    unplaced: bool = False
    """No pod of the role is created now, because as many as allowed wait for a node."""


def next_request(
    fronts: Iterable[PlaceRequest], used: Mapping[tuple[Role, str], int], weights: Mapping[str, float]
) -> PlaceRequest | None:
    """The request that gets the next free place, of the first ones of each role and namespace.

    The namespace furthest below its share first: the one with the fewest places in use per weight.
    """
    return min(
        fronts,
        key=lambda item: (used[item.role, item.namespace] / weights.get(item.namespace, 1.0), item),
        default=None,
    )
