"""Task repositories of a registry, as it lists them."""

from collections.abc import Sequence

from swefoundry.cli.clients import RegistryTarget
from swefoundry.errors import NotFound, PermanentError, RegistryRefused
from swefoundry.oci.registry_client import RegistryClient

BUILD_CACHE_SUFFIX = "/cache"
"""Ending of the repositories that hold nothing but layers of builds."""


async def list_repository_paths(registry: RegistryClient, target: RegistryTarget) -> list[str]:
    """Paths of all task repositories and of their build caches."""
    try:
        listed = await registry.list_repositories()
    except (NotFound, RegistryRefused) as error:
        raise PermanentError(f"{target.host} does not list its repositories: {error}") from error
    start = target.prefix.strip("/") + "/"
    return sorted(path for path in listed if path.startswith(start))


async def task_repository_paths(
    registry: RegistryClient, target: RegistryTarget, repos: Sequence[str]
) -> list[str]:
    """Paths of the named repositories, or of all task repositories."""
    if repos:
        return [target.repository(repo) for repo in repos]
    try:
        listed = await list_repository_paths(registry, target)
    except PermanentError as error:
        raise PermanentError(f"{error}; name the repositories") from error
    return [path for path in listed if not path.endswith(BUILD_CACHE_SUFFIX)]
