"""How the command line reaches the cluster and the registry from the user's machine."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from swefoundry.cli.exit_status import NoCluster
from swefoundry.errors import ApiRefused
from swefoundry.kube.api_client import KubeClient
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.workloads.names import repository


@dataclass(frozen=True)
class ClusterTarget:
    """Which cluster, and where in it."""

    namespace: str
    """Empty: all namespaces."""
    context: str | None = None


@dataclass(frozen=True)
class RegistryTarget:
    """Which registry, as this machine reaches it."""

    host: str
    """Empty: as the image's name says."""
    insecure: bool
    prefix: str

    def repository(self, repo: str) -> str:
        return repository(self.prefix, repo)


@asynccontextmanager
async def open_cluster(target: ClusterTarget) -> AsyncIterator[KubeClient]:
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
    """The registry of the options, else the one that ``host`` names."""
    async with RegistryClient(
        target.host or host, insecure=target.insecure, auth_file=_docker_config_path()
    ) as opened:
        yield opened


def resolve_namespace(namespace: str, all_namespaces: bool = False, context: str | None = None) -> str:
    """The namespace that was asked for, else the kubeconfig context's, else ``default``; empty for all."""
    if all_namespaces:
        return ""
    return namespace or _context_namespace(context) or "default"


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
    """The mapping in a YAML file; empty when there is none that can be read."""
    try:
        found = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}


def _docker_config_path() -> Path | None:
    """Where `docker login` and its like leave credentials."""
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    path = folder / "config.json"
    return path if path.is_file() else None
