"""Readers of the cluster and the registry for `swefoundry gc`."""

import asyncio
from collections.abc import AsyncIterator, Iterable

from swefoundry.api import labels
from swefoundry.cli.api_objects import KubernetesObject
from swefoundry.cli.clients import RegistryTarget
from swefoundry.cli.datasets.instance import INSTANCE_LABEL
from swefoundry.cli.leftovers.cluster import ClusterObjects
from swefoundry.cli.leftovers.registry import RepositoryContent, unread_manifest
from swefoundry.cli.task_repositories import BUILD_CACHE_SUFFIX
from swefoundry.errors import NotFound
from swefoundry.grading.verdict_bundle import VERDICT_FILE
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, CONFIG_MAPS, PODS, TASKS, Resource
from swefoundry.oci.artifacts import artifact_type, pull_artifact
from swefoundry.oci.content import Manifest
from swefoundry.oci.registry_client import RegistryClient

CONCURRENT_MANIFESTS = 16
VERDICT_LIMIT_BYTES = 16 << 20


async def read_owners(kube: KubeClient, namespace: str) -> tuple[KubernetesObject, ...]:
    """TaskInstances and EnvBuilds of the namespace; "" is all."""
    return (*await _list(kube, TASKS, namespace), *await _list(kube, BUILDS, namespace))


async def read_cluster(kube: KubeClient, namespace: str) -> ClusterObjects:
    """What instances may leave behind. They are listed last: what is created meanwhile has its owner among them."""
    config_maps = await _list(kube, CONFIG_MAPS, namespace, INSTANCE_LABEL)
    pods = await _list(kube, PODS, namespace, labels.ROLE)
    return ClusterObjects(await read_owners(kube, namespace), config_maps, pods)


async def _list(
    kube: KubeClient, resource: Resource, namespace: str, selector: str = ""
) -> tuple[KubernetesObject, ...]:
    return tuple([body async for body in kube.list(resource, namespace, selector)])


def owners_by_path(
    target: RegistryTarget, owners: Iterable[KubernetesObject]
) -> dict[str, list[KubernetesObject]]:
    """TaskInstances and EnvBuilds by the path of their task repository."""
    by_path: dict[str, list[KubernetesObject]] = {}
    for body in owners:
        by_path.setdefault(target.repository(body["spec"]["repo"]), []).append(body)
    return by_path


async def read_repositories(
    registry: RegistryClient,
    target: RegistryTarget,
    paths: Iterable[str],
    owners: Iterable[KubernetesObject],
) -> AsyncIterator[RepositoryContent]:
    """The content of one repository after another."""
    by_path = owners_by_path(target, owners)
    for path in paths:
        is_cache = path.endswith(BUILD_CACHE_SUFFIX)
        objects = tuple(by_path.get(path.removesuffix(BUILD_CACHE_SUFFIX), ()))
        manifests = await _manifests(registry, path)
        verdicts = await _verdicts(registry, path, manifests.values())
        yield RepositoryContent(path, manifests, verdicts, objects, is_cache)


async def _manifests(registry: RegistryClient, path: str) -> dict[str, Manifest]:
    found: dict[str, Manifest] = {}
    listed = await registry.list_tags(path)
    for start in range(0, len(listed), CONCURRENT_MANIFESTS):
        tags = listed[start : start + CONCURRENT_MANIFESTS]
        manifests = await asyncio.gather(*(_manifest(registry, path, tag) for tag in tags))
        found |= {tag: one for tag, one in zip(tags, manifests, strict=True) if one is not None}
    return found


async def _manifest(registry: RegistryClient, path: str, tag: str) -> Manifest | None:
    """None when it was deleted meanwhile, or its tag outlived it."""
    if (unread := unread_manifest(tag)) is not None:
        return unread
    try:
        return await registry.get_manifest(path, tag)
    except NotFound:
        return None


async def _verdicts(registry: RegistryClient, path: str, manifests: Iterable[Manifest]) -> str:
    digests = [
        item.digest for item in manifests if item.content.get("artifactType") == artifact_type("verdict")
    ]
    texts = [
        await pull_artifact(registry, path, digest, VERDICT_LIMIT_BYTES, only=[VERDICT_FILE])
        for digest in digests
    ]
    return "\n".join(content.decode(errors="replace") for files in texts for content in files.values())
