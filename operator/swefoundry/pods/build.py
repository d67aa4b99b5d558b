"""The build pod: buildah with chroot isolation in a user namespace; root there is nobody on the node."""

from typing import Any

from swefoundry.domain.work import BUILD_ORDER, BuildOrder
from swefoundry.pods.hardening import BUILD_CAPABILITIES, Cell, Ticket, limits, locked, pod
from swefoundry.pods.intake import registry_files
from swefoundry.settings import Settings

Json = dict[str, Any]

STORAGE = "/var/lib/containers"
"""buildah's storage: an emptyDir, because overlay does not stack on the container's own root."""

GRACE_SECONDS = 300
"""On top of the build's own limit: pulling the builder, fetching the source, pushing the image."""


def build_pod(ticket: Ticket, order: BuildOrder, settings: Settings, memory_factor: int = 1) -> Json:
    """The Pod that carries out ``order``."""
    volumes: list[Json] = [{"name": "storage", "emptyDir": {"sizeLimit": settings.build_storage}}]
    mounts: list[Json] = [{"name": "storage", "mountPath": STORAGE}]
    for file in registry_files(settings):
        mounts.append({"name": file["name"], "mountPath": file["mountPath"], "readOnly": True})
        volumes.append({key: value for key, value in file.items() if key != "mountPath"})
    cell = Cell(
        image=settings.builder_image,
        command=["python3", "-m", "swefoundry.building"],
        env={BUILD_ORDER: order.model_dump_json(by_alias=True, exclude_none=True)},
        # RuntimeDefault forbids unshare(CLONE_NEWUSER), which buildah needs even inside the pod's own namespace.
        security=locked(BUILD_CAPABILITIES, user=0, seccomp=False),
        resources=limits(
            settings.build_cpu, times(settings.build_memory, memory_factor), settings.build_storage
        ),
        deadline_seconds=order.time_limit_seconds + GRACE_SECONDS,
        volumes=volumes,
        mounts=mounts,
        user_namespace=True,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        node_lost_seconds=settings.node_lost_seconds,
    )
    return pod(ticket, cell)


def times(quantity: str, factor: int) -> str:
    """A Kubernetes quantity, multiplied."""
    if factor == 1:
        return quantity
    digits = quantity.rstrip("mkKMGTi")
    return f"{float(digits) * factor:g}{quantity[len(digits) :]}"
