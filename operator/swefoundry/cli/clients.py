"""Clients for the cluster and the registry, configured from the command's options and the user's machine."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from swefoundry.errors import ApiRefused, NoCluster
from swefoundry.kube.api_client import KubeClient
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.names import repository


@dataclass(frozen=True)
class ClusterTarget:
    """Kubeconfig context and namespace that a command works on."""

    namespace: str
    """Empty for all namespaces."""
    context: str | None = None


@dataclass(frozen=True)
class RegistryTarget:
    """Registry that a command works on, under the name that this machine reaches it by."""

    host: str
    """Empty: the host in the image's name."""
    insecure: bool
    prefix: str

    def repository(self, repo: str) -> str:
        """Path of the task repository of ``owner/name``."""
        return repository(self.prefix, repo)


@asynccontextmanager
async def open_cluster(target: ClusterTarget) -> AsyncIterator[KubeClient]:
    """Client of the target's cluster, closed at the end of the block."""
    try:
        kube = await KubeClient.connect(context=target.context)
    except ApiRefused as error:
        raise NoCluster(str(error)) from error
    try:
        yield kube
    finally:
        await kube.close()


@asynccontextmanager
async def open_registry(target: RegistryTarget, host: str = "") -> AsyncIterator[RegistryClient]:
    """Client of the target's registry, or of ``host`` when the options name none."""
    async with RegistryClient(
        target.host or host, insecure=target.insecure, auth_file=_docker_config_path()
    ) as client:
        yield client


def cluster_target(namespace: str, context: str | None, all_namespaces: bool = False) -> ClusterTarget:
    """Target for the options: the given namespace, else the kubeconfig context's, else ``default``."""
    resolved = "" if all_namespaces else namespace or _context_namespace(context) or "default"
    return ClusterTarget(resolved, context)


def _context_namespace(context_name: str | None) -> str:
    paths = os.environ.get("KUBECONFIG") or str(Path.home() / ".kube" / "config")
    for path in filter(None, paths.split(os.pathsep)):
        settings = read_yaml(Path(path))
        name = context_name or settings.get("current-context")
        for context in settings.get("contexts") or []:
            if context.get("name") == name:
                return str(context.get("context", {}).get("namespace") or "")
    return ""


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file; empty when the file cannot be read or holds something else."""
    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return content if isinstance(content, dict) else {}


def _docker_config_path() -> Path | None:
    """File in which `docker login` keeps credentials; None when there is none."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    path = folder / "config.json"
    return path if path.is_file() else None
