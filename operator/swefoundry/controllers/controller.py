"""Controller: one kind of object, as the informer, the worker and the state dump see it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from swefoundry.kube.resources import ApiObject, Resource
from swefoundry.kube.workqueue import Key

StateSections = Mapping[str, dict[str, object]]
"""Sections of the state dump by name."""


def _ignore_deletion(_: ApiObject) -> None:
    """For kinds whose controllers keep nothing in memory about an object."""


def _no_sections(_: int) -> StateSections:
    return {}


@dataclass(frozen=True)
class Controller:
    """The reconciler of a kind, and its hooks."""

    resource: Resource
    reconcile: Callable[[Key, datetime], Awaitable[None]]
    on_deleted: Callable[[ApiObject], None] = _ignore_deletion
    """Called with each object of the kind that was deleted, after the cache has dropped it."""
    state_sections: Callable[[int], StateSections] = _no_sections
    """The controller's sections of the state dump, with at most so many keys in each list."""
