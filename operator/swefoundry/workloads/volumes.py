"""Volumes of task pods (registry credentials, further certificates) and their paths in the pods. Pure."""

from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.settings import Settings
from swefoundry.workloads.pod_spec import JsonDict

AUTH_MOUNT = "/var/run/swefoundry/registry"
CA_MOUNT = "/var/run/swefoundry/ca"


def registry_and_ca_volumes(settings: Settings) -> tuple[JsonDict, ...]:
    """Volumes (with ``mountPath``) of credentials and certificates, where they are configured."""
    volumes: list[JsonDict] = []
    if settings.registry_secret:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        volumes.append(
            {
                "name": "registry",
                "mountPath": AUTH_MOUNT,
                "secret": {"secretName": settings.registry_secret, "items": items},
            }
        )
    if settings.ca_config_map:
        volumes.append({"name": "ca", "mountPath": CA_MOUNT, "configMap": {"name": settings.ca_config_map}})
    return tuple(volumes)


def auth_file(settings: Settings) -> str | None:
    """Path of the registry's credentials in a task pod."""
    return f"{AUTH_MOUNT}/config.json" if settings.registry_secret else None


def ca_file(settings: Settings) -> str | None:
    """Path of the certificates in a task pod."""
    return f"{CA_MOUNT}/ca.crt" if settings.ca_config_map else None


def volumes_and_mounts(
    workspace: JsonDict, mount_path: str, files: tuple[JsonDict, ...]
) -> tuple[list[JsonDict], list[JsonDict]]:
    """Volumes and mounts of a pod: a writable ``workspace``, and read-only files."""
    volumes, mounts = [workspace], [{"name": workspace["name"], "mountPath": mount_path}]
    for file in files:
        mounts.append({"name": file["name"], "mountPath": file["mountPath"], "readOnly": True})
        volumes.append({key: value for key, value in file.items() if key != "mountPath"})
    return volumes, mounts


def registry_location(settings: Settings, repository: str) -> RegistryLocation:
    """The registry repository that a task pod reads from and writes to."""
    return RegistryLocation(
        registry=settings.registry_push,
        insecure=settings.registry_insecure,
        repository=repository,
        auth_file=auth_file(settings),
    )
