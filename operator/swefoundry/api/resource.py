"""Custom resources as read from the API: identity, spec and status, parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Generic, TypeVar

from swefoundry.api import labels
from swefoundry.api.envbuild import EnvBuildSpec, EnvBuildStatus
from swefoundry.api.status_upgrade import is_outdated
from swefoundry.api.taskinstance import TaskInstanceSpec, TaskInstanceStatus
from swefoundry.contracts.wire import WireModel

ResourceSpecT = TypeVar("ResourceSpecT", bound=WireModel)
StatusT = TypeVar("StatusT", bound=WireModel)


MAX_RETRY_CHARACTERS = 256
"""Of the annotation's value, as status.retried keeps it."""


@dataclass(frozen=True)
class CustomResource(Generic[ResourceSpecT, StatusT]):
    """A custom resource."""

    kind: str
    namespace: str
    name: str
    uid: str
    generation: int
    resource_version: str
    """resourceVersion, for optimistic writes."""
    created: datetime
    deleting: bool
    experiment: str
    """Name of its experiment; empty: none."""
    retry: str
    """Value of the annotation that asks for another try; empty: none."""
    spec: ResourceSpecT
    status: StatusT
    outdated_status: Mapping[str, Any] | None = None
    """The stored status, when the release before wrote it: the next write replaces all of it."""


TaskInstance = CustomResource[TaskInstanceSpec, TaskInstanceStatus]
EnvBuild = CustomResource[EnvBuildSpec, EnvBuildStatus]


def parse_task_instance(body: Mapping[str, Any]) -> TaskInstance:
    """Parse a TaskInstance. Raises ``pydantic.ValidationError`` with the field's path."""
    spec = TaskInstanceSpec.model_validate(body["spec"])
    return _custom_resource(body, spec, TaskInstanceStatus.model_validate(body.get("status", {})))


def parse_env_build(body: Mapping[str, Any]) -> EnvBuild:
    """Parse an EnvBuild. Raises ``pydantic.ValidationError`` with the field's path."""
    stored = body.get("status", {})
    build = _custom_resource(
        body, EnvBuildSpec.model_validate(body["spec"]), EnvBuildStatus.model_validate(stored)
    )
    return replace(build, outdated_status=stored) if is_outdated(stored) else build


def _custom_resource(
    body: Mapping[str, Any], spec: ResourceSpecT, status: StatusT
) -> CustomResource[ResourceSpecT, StatusT]:
    meta = body["metadata"]
    return CustomResource(
        kind=body["kind"],
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        generation=int(meta.get("generation", 0)),
        resource_version=str(meta.get("resourceVersion", "")),
        created=datetime.fromisoformat(meta["creationTimestamp"]),
        deleting="deletionTimestamp" in meta,
        experiment=(meta.get("labels") or {}).get(labels.EXPERIMENT, ""),
        retry=(meta.get("annotations") or {}).get(labels.RETRY, "")[:MAX_RETRY_CHARACTERS],
        spec=spec,
        status=status,
    )
