"""Manifest of the build pod: buildah with chroot isolation, root in a user namespace of its own. Pure."""

from dataclasses import dataclass

from swefoundry.api import labels
from swefoundry.contracts.build import BUILD_SPEC_VARIABLE, BuildSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import (
    BUILD_CAPABILITIES,
    ContainerTemplate,
    JsonDict,
    pod_manifest,
    resource_requirements,
    scale_quantity,
    security_context,
)
from swefoundry.workloads.resource_estimates import PeakUse, Requests, estimate
from swefoundry.workloads.volumes import registry_and_ca_volumes, volumes_and_mounts

BUILDAH_STORAGE_MOUNT = "/var/lib/containers"
"""buildah's storage: an emptyDir, because overlay does not stack on the container's own root."""

BUILD_OVERHEAD_SECONDS = 300
"""On top of the build's own limit: pulling the builder, fetching the source, pushing the image."""


@dataclass(frozen=True)
class BuildSize:
    """What decides the resources of a build pod besides the settings."""

    memory_factor: int = 1
    full_requests: bool = False
    use: PeakUse | None = None
    """What builds of the repository used at most."""


def build_pod(ref: AttemptRef, spec: BuildSpec, settings: Settings, size: BuildSize) -> JsonDict:
    """The pod for ``spec``."""
    requests, limit = build_requests(size, settings), _memory_limit(size, settings)
    storage = {"name": "storage", "emptyDir": {"sizeLimit": settings.build_storage}}
    volumes, mounts = volumes_and_mounts(storage, BUILDAH_STORAGE_MOUNT, registry_and_ca_volumes(settings))
    template = ContainerTemplate(
        image=settings.builder_image,
        command=["swefoundry-build"],
        env={BUILD_SPEC_VARIABLE: spec.to_json()},
        # RuntimeDefault forbids unshare(CLONE_NEWUSER), which buildah needs even inside the pod's own namespace.
        security=security_context(BUILD_CAPABILITIES, user=0, seccomp=False),
        resources=resource_requirements(requests.cpu, limit, settings.build_storage, requests.memory),
        deadline_seconds=spec.time_limit_seconds + BUILD_OVERHEAD_SECONDS,
        volumes=volumes,
        mounts=mounts,
        user_namespace=True,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        node_lost_seconds=settings.node_lost_seconds,
    )
    body = pod_manifest(ref, template)
    if requests.cpu != settings.build_cpu:
        body["metadata"]["annotations"][labels.ESTIMATED_CPU] = requests.cpu
    return body


def build_requests(size: BuildSize, settings: Settings) -> Requests:
    """Requests of the pod: the settings', until builds of the repository were measured, and after a memory kill."""
    most = Requests(settings.build_cpu, _memory_limit(size, settings))
    if size.full_requests or size.memory_factor > 1 or size.use is None:
        return most
    return estimate(size.use, most, settings)


def _memory_limit(size: BuildSize, settings: Settings) -> str:
    return scale_quantity(settings.build_memory, size.memory_factor)
