"""Manifest of the build pod: buildah with chroot isolation, root in a user namespace of its own. Pure."""

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
from swefoundry.workloads.volumes import registry_and_ca_volumes, volumes_and_mounts

BUILDAH_STORAGE_MOUNT = "/var/lib/containers"
"""buildah's storage: an emptyDir, because overlay does not stack on the container's own root."""

BUILD_OVERHEAD_SECONDS = 300
"""On top of the build's own limit: pulling the builder, fetching the source, pushing the image."""


def build_pod(ref: AttemptRef, spec: BuildSpec, settings: Settings, memory_factor: int = 1) -> JsonDict:
    """The pod for ``spec``."""
    storage = {"name": "storage", "emptyDir": {"sizeLimit": settings.build_storage}}
    volumes, mounts = volumes_and_mounts(storage, BUILDAH_STORAGE_MOUNT, registry_and_ca_volumes(settings))
    template = ContainerTemplate(
        image=settings.builder_image,
        command=["swefoundry-build"],
        env={BUILD_SPEC_VARIABLE: spec.to_json()},
        # RuntimeDefault forbids unshare(CLONE_NEWUSER), which buildah needs even inside the pod's own namespace.
        security=security_context(BUILD_CAPABILITIES, user=0, seccomp=False),
        resources=resource_requirements(
            settings.build_cpu, scale_quantity(settings.build_memory, memory_factor), settings.build_storage
        ),
        deadline_seconds=spec.time_limit_seconds + BUILD_OVERHEAD_SECONDS,
        volumes=volumes,
        mounts=mounts,
        user_namespace=True,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        node_lost_seconds=settings.node_lost_seconds,
    )
    return pod_manifest(ref, template)
