"""The intake pod: the operator's own image, working on untrusted sources and patches as nobody."""

from collections.abc import Mapping
from typing import Any

from swefoundry.domain.work import INTAKE_ORDER, IntakeOrder
from swefoundry.pods.hardening import Cell, Ticket, limits, locked, pod
from swefoundry.settings import Settings

Json = dict[str, Any]

AUTH_MOUNT = "/var/run/swefoundry/registry"
TOKEN_MOUNT = "/var/run/swefoundry/git"
PATCH_MOUNT = "/var/run/swefoundry/patches"
CA_MOUNT = "/var/run/swefoundry/ca"
WORK_MOUNT = "/work"

USER = 1000

CA_VARIABLES = ("SSL_CERT_FILE", "GIT_SSL_CAINFO")


def intake_pod(ticket: Ticket, order: IntakeOrder, settings: Settings, files: tuple[Json, ...] = ()) -> Json:
    """The Pod that carries out ``order``; ``files`` are volumes (with ``mountPath``) that the order's paths
    point into.
    """
    order_text = order.model_dump_json(by_alias=True, exclude_none=True)
    return program_pod(ticket, "swefoundry.intake", {INTAKE_ORDER: order_text}, settings, files)


def program_pod(
    ticket: Ticket, program: str, env: Mapping[str, str], settings: Settings, files: tuple[Json, ...] = ()
) -> Json:
    """A pod with the operator's own image that runs one of our programs on sources, with room for their trees."""
    env = {**env, "SWEFOUNDRY_WORKDIR": WORK_MOUNT}
    volumes: list[Json] = [{"name": "work", "emptyDir": {"sizeLimit": settings.intake_storage}}]
    mounts: list[Json] = [{"name": "work", "mountPath": WORK_MOUNT}]
    for file in (*files, *registry_files(settings)):
        mounts.append({"name": file["name"], "mountPath": file["mountPath"], "readOnly": True})
        volumes.append({key: value for key, value in file.items() if key != "mountPath"})
    if settings.ca_config_map:
        env |= {name: f"{CA_MOUNT}/ca.crt" for name in CA_VARIABLES}
    cell = Cell(
        image=settings.operator_image,
        command=["python", "-m", program],
        env=env,
        security={**locked(user=USER), "readOnlyRootFilesystem": True},
        resources=limits("100m", settings.intake_memory, settings.intake_storage),
        deadline_seconds=settings.intake_seconds,
        volumes=volumes,
        mounts=mounts,
        user_namespace=settings.task_user_namespaces,
        service_account=settings.service_account,
        pull_secret=settings.registry_secret,
        node_lost_seconds=settings.node_lost_seconds,
    )
    body = pod(ticket, cell)
    body["spec"]["securityContext"] = {"fsGroup": USER}
    return body


def registry_files(settings: Settings) -> tuple[Json, ...]:
    """Volumes with the registry's credentials and the extra certificates, where they are configured."""
    found: list[Json] = []
    if settings.registry_secret:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        found.append(
            {
                "name": "registry",
                "mountPath": AUTH_MOUNT,
                "secret": {"secretName": settings.registry_secret, "items": items},
            }
        )
    if settings.ca_config_map:
        found.append({"name": "ca", "mountPath": CA_MOUNT, "configMap": {"name": settings.ca_config_map}})
    return tuple(found)


def auth_file(settings: Settings) -> str | None:
    """Path of the registry's credentials in a task pod."""
    return f"{AUTH_MOUNT}/config.json" if settings.registry_secret else None
