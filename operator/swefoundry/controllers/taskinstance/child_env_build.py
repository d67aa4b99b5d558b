"""The EnvBuild of a TaskInstance: create it, adopt it after a crash, or fetch what the cache lacks."""

from typing import Any

from swefoundry import errors
from swefoundry.api import labels
from swefoundry.api.envbuild import Acceptance, EnvBuildSpec
from swefoundry.api.resource import EnvBuild, TaskInstance, parse_env_build
from swefoundry.api.shards import Shard
from swefoundry.api.types import ArtifactSource, Source, Validation
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    EnvBuildCreated,
    Result,
)
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads import names
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.pod_spec import owner_reference


async def fetch_env_build(observed: Observation, context: ReconcileContext) -> EnvBuild | None:
    """The EnvBuild that is not in the cache: it was deleted, or the cache lags behind the cluster."""
    task = observed.task
    try:
        existing = await context.kube.get(BUILDS, task.namespace, task.status.env_build or task.name)
    except errors.NotFound:
        return None
    if not _is_controller_of(task, existing):
        return None
    body = {"kind": BUILDS.kind, **existing}
    context.cache.put(body)
    return parse_env_build(body)


def _is_controller_of(task: TaskInstance, existing: dict[str, Any]) -> bool:
    return any(reference["uid"] == task.uid for reference in existing["metadata"].get("ownerReferences", []))


async def restart_env_build(value: str, observed: Observation, context: ReconcileContext) -> None:
    """Ask the EnvBuild that ended without an image to begin again, too; before the status says that it was done."""
    build = observed.failed_build
    if build is None:
        return
    change = {"metadata": {"uid": build.uid, "annotations": {labels.RETRY: value}}}
    written = await context.kube.patch(BUILDS, build.namespace, build.name, change)
    context.cache.put({"kind": BUILDS.kind, **written})
    context.queue.add(Key(BUILDS.kind, build.namespace, build.name))


async def create_env_build(observed: Observation, context: ReconcileContext) -> Result:
    """Create the EnvBuild; adopt the one that an operator created just before it died."""
    task, prepared = observed.task, observed.task.status.prepared
    if prepared is None:
        raise errors.PermanentError(f"{task.name}: an EnvBuild is created before the intake has ended")
    spec = EnvBuildSpec(
        repo=task.spec.repo,
        source=Source(artifact=ArtifactSource(digest=prepared.source)),
        base_commit=task.spec.base_commit,
        created_at=task.spec.created_at,
        version=task.spec.version,
        language=task.spec.language or prepared.language,
        facts=prepared.facts,
        acceptance=Acceptance(layers=prepared.layers),
        environment=task.spec.environment,
        validation=Validation.model_validate(task.spec.validation.to_json_dict()),
        budget=task.spec.budget,
        tag=names.tag(task.namespace, task.name),
        pod_template=task.spec.pod_template,
    )
    body: dict[str, Any] = {
        "apiVersion": labels.API_VERSION,
        "kind": BUILDS.kind,
        "metadata": {
            "name": task.name,
            "labels": {
                labels.MANAGED_BY: labels.MANAGER,
                labels.OWNER: names.label_value(task.name),
                **({labels.EXPERIMENT: task.experiment} if task.experiment else {}),
                **Shard.from_settings(context.settings).bucket_labels(task.spec.repo),
            },
            "ownerReferences": [owner_reference(observed.owner)],
        },
        "spec": spec.to_json_dict(),
    }
    created = await context.kube.create(BUILDS, task.namespace, body)
    if created is None:
        created = await _adopt_env_build(task, context)
    # The watch will deliver this very version again, which the cache drops: so it is enqueued here.
    context.cache.put({"kind": BUILDS.kind, **created})
    context.queue.add(Key(BUILDS.kind, task.namespace, task.name))
    return EnvBuildCreated(task.name)


async def _adopt_env_build(task: TaskInstance, context: ReconcileContext) -> dict[str, Any]:
    existing = await context.kube.get(BUILDS, task.namespace, task.name)
    if not _is_controller_of(task, existing):
        # One of a predecessor of the same name is garbage collected; a user's own stays.
        raise errors.TransientError(
            f"an EnvBuild named {task.name} exists already and has another owner; delete or rename it"
        )
    return existing
