"""Readers for what the registry and the cluster keep about a TaskInstance: verdict bundle, logs, patches."""

import base64
from collections.abc import Mapping
from typing import Any

from swefoundry.cli.api_objects import status_of
from swefoundry.cli.clients import RegistryTarget
from swefoundry.errors import NotFound, PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, CONFIG_MAPS
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.evaluation.evidence import EVIDENCE_LIMIT_BYTES

PATCH_LIMIT_BYTES = 64 << 20


def task_repository(task: Mapping[str, Any], target: RegistryTarget) -> tuple[str, str]:
    """Registry host and repository of a task's content: from its image's name, else from the options."""
    name = ((task.get("status") or {}).get("image") or {}).get("name")
    return _image_repository(name, task["spec"]["repo"], target)


def env_build_repository(build: Mapping[str, Any], target: RegistryTarget) -> tuple[str, str]:
    """Registry host and repository of an EnvBuild's content."""
    return _image_repository((build.get("status") or {}).get("imageName"), build["spec"]["repo"], target)


def _image_repository(image_name: str | None, repo: str, target: RegistryTarget) -> tuple[str, str]:
    if not image_name:
        return target.host, target.repository(repo)
    host, _, rest = image_name.partition("/")
    folder, slash, last = rest.rpartition("/")
    return host, folder + slash + last.partition("@")[0].partition(":")[0]


async def read_env_build(kube: KubeClient, task: Mapping[str, Any]) -> dict[str, Any] | None:
    """The EnvBuild of a task; None when it has none yet, or it was deleted."""
    name = status_of(task).get("envBuild")
    try:
        return await kube.get(BUILDS, task["metadata"]["namespace"], name) if name else None
    except NotFound:
        return None


async def pull_evidence_files(registry: RegistryClient, repository: str, digest: str) -> dict[str, bytes]:
    """The files of an artifact: an evaluation's evidence, or a verdict bundle."""
    return await pull_artifact(registry, repository, digest, EVIDENCE_LIMIT_BYTES)


class TextReader:
    """Reads the texts that a spec refers to: patches and problem statements."""

    def __init__(self, kube: KubeClient, registry: RegistryClient, repository: str, namespace: str) -> None:
        self._kube = kube
        self._registry = registry
        self._repository = repository
        self._namespace = namespace

    async def read(self, source: Mapping[str, Any] | None) -> bytes:
        """Content of a text given as ``inline``, ``configMapRef`` or ``artifact``."""
        if not source:
            return b""
        if (reference := source.get("configMapRef")) is not None:
            return await self.read_config_map(reference["name"], reference["key"])
        if (digest := source.get("artifact")) is not None:
            return await self._registry.get_blob(self._repository, digest, PATCH_LIMIT_BYTES)
        return str(source.get("inline", "")).encode()

    async def read_config_map(self, name: str, key: str) -> bytes:
        config_map = await self._kube.get(CONFIG_MAPS, self._namespace, name)
        if key in (config_map.get("data") or {}):
            return str(config_map["data"][key]).encode()
        if key in (config_map.get("binaryData") or {}):
            return base64.b64decode(config_map["binaryData"][key])
        raise PermanentError(f"the ConfigMap {name} has no key {key}")
