"""The build pod: buildah with chroot isolation in a user namespace; root there is nobody on the node."""

from swefoundry.contracts.build import BUILD_ORDER, BuildOrder
from swefoundry.settings import Settings
from swefoundry.workloads.pod_spec import BUILD_CAPABILITIES, Cell, Json, Ticket, limits, locked, pod
from swefoundry.workloads.volumes import mounted, usual_files

STORAGE = "/var/lib/containers"
"""buildah's storage: an emptyDir, because overlay does not stack on the container's own root."""

GRACE_SECONDS = 300
"""On top of the build's own limit: pulling the builder, fetching the source, pushing the image."""


def build_pod(ticket: Ticket, order: BuildOrder, settings: Settings, memory_factor: int = 1) -> Json:
    """The Pod that carries out ``order``."""
    room = {"name": "storage", "emptyDir": {"sizeLimit": settings.build_storage}}
    volumes, mounts = mounted(room, STORAGE, usual_files(settings))
    cell = Cell(
        image=settings.builder_image,
        command=["python3", "-m", "swefoundry.programs.build"],
        env={BUILD_ORDER: order.wire_text()},
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
