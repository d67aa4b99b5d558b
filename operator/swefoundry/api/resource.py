"""An object of ours as it came from the API: identity, spec and status, parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from swefoundry.api import labels
from swefoundry.api.envbuild import EnvBuildSpec, EnvBuildStatus
from swefoundry.api.taskinstance import TaskInstanceSpec, TaskInstanceStatus
from swefoundry.contracts.wire import Value

Spec = TypeVar("Spec", bound=Value)
Status = TypeVar("Status", bound=Value)


@dataclass(frozen=True)
class Object(Generic[Spec, Status]):
    """A custom resource."""

    kind: str
    namespace: str
    name: str
    uid: str
    generation: int
    version: str
    """resourceVersion, for optimistic writes."""
    created: datetime
    deleting: bool
    experiment: str
    """Name of the experiment that it belongs to; empty: none."""
    spec: Spec
    status: Status


Task = Object[TaskInstanceSpec, TaskInstanceStatus]
Build = Object[EnvBuildSpec, EnvBuildStatus]


def task_from(body: Mapping[str, Any]) -> Task:
    """Parse a TaskInstance. Raises ``pydantic.ValidationError`` with the field's path."""
    spec = TaskInstanceSpec.model_validate(body["spec"])
    return _object(body, spec, TaskInstanceStatus.model_validate(body.get("status", {})))


def build_from(body: Mapping[str, Any]) -> Build:
    """Parse an EnvBuild. Raises ``pydantic.ValidationError`` with the field's path."""
    return _object(
        body, EnvBuildSpec.model_validate(body["spec"]), EnvBuildStatus.model_validate(body.get("status", {}))
    )


def _object(body: Mapping[str, Any], spec: Spec, status: Status) -> Object[Spec, Status]:
    meta = body["metadata"]
    return Object(
        kind=body["kind"],
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=int(meta.get("generation", 0)),
        version=str(meta.get("resourceVersion", "")),
        created=datetime.fromisoformat(meta["creationTimestamp"].replace("Z", "+00:00")),
        deleting="deletionTimestamp" in meta,
        experiment=(meta.get("labels") or {}).get(labels.EXPERIMENT, ""),
        spec=spec,
        status=status,
    )
