"""`swefoundry gc`: find, and delete, what instances left behind in the cluster and in the registry."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.filesize import decimal

from swefoundry.cli import clients, console, options
from swefoundry.cli.api_objects import KubernetesObject
from swefoundry.cli.leftovers.cluster import LeftoverObject, leftover_objects
from swefoundry.cli.leftovers.listing import owners_by_path, read_cluster, read_owners, read_repositories
from swefoundry.cli.leftovers.registry import LeftoverManifest, leftover_manifests, total_size
from swefoundry.cli.task_repositories import BUILD_CACHE_SUFFIX, list_repository_paths
from swefoundry.errors import ApiRefused, PermanentError, RegistryRefused
from swefoundry.kube.api_client import KubeClient
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.text.plurals import pluralize

LEFTOVER_COLUMNS = ("kind", "where", "number", "size", "why")


@dataclass
class Leftovers:
    """Everything that was found."""

    objects: list[LeftoverObject] = field(default_factory=list)
    manifests: list[LeftoverManifest] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)
    """Repositories with instances at work: nothing was looked for there."""


def gc(
    repos: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="OWNER/NAME",
            help="Search these repositories of the registry, and nothing else; default: all, and the cluster.",
        ),
    ] = None,
    namespace: options.Namespace = "",
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
    registry: Annotated[
        str,
        typer.Option(
            "--registry",
            envvar="SWEFOUNDRY_REGISTRY",
            help="host[:port] of the registry as this machine reaches it; without it, only the cluster is looked at.",
        ),
    ] = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    delete: Annotated[bool, typer.Option("--delete", help="Delete what is shown.")] = False,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Show what instances left behind in the cluster and in the registry; with --delete, delete it.

    Content that a status, a verdict, an exported row or a proven environment names is kept. The registry must belong to
    this cluster alone: instances of another cluster are not known here.
    """
    cluster = clients.cluster_target(namespace, context, all_namespaces)
    target = clients.RegistryTarget(registry, insecure, prefix)
    if repos and not registry:
        raise typer.BadParameter("a host[:port] is required to search repositories", param_hint="--registry")
    found = asyncio.run(_collect(cluster, target, repos or [], delete))
    if output is console.OutputFormat.JSON:
        console.print_json(_json(found, delete))
    else:
        _print_table(found, delete, bool(registry))


async def _collect(
    cluster: clients.ClusterTarget, target: clients.RegistryTarget, repos: list[str], delete: bool
) -> Leftovers:
    found = Leftovers()
    async with clients.open_cluster(cluster) as kube:
        if not repos:
            found.objects = leftover_objects(await read_cluster(kube, cluster.namespace), datetime.now(UTC))
        if target.host:
            async with clients.open_registry(target) as registry:
                owners = await _all_owners(kube)
                await _search_registry(registry, target, repos, owners, found)
                if delete:
                    _leave_changed(found, target, owners, await _all_owners(kube))
                    await _delete_manifests(registry, found.manifests)
        if delete:
            await _delete_objects(kube, found.objects)
    return found


async def _all_owners(kube: KubeClient) -> tuple[KubernetesObject, ...]:
    try:
        return await read_owners(kube, "")
    except ApiRefused as error:
        raise PermanentError(
            f"a registry is shared by all namespaces, and not all may be listed: {error}; without --registry, only the "
            "cluster is looked at"
        ) from error


async def _search_registry(
    registry: RegistryClient,
    target: clients.RegistryTarget,
    repos: list[str],
    owners: Iterable[KubernetesObject],
    found: Leftovers,
) -> None:
    named = [target.repository(repo) for repo in repos]
    paths = [path + suffix for path in named for suffix in ("", BUILD_CACHE_SUFFIX)]
    paths = paths or await list_repository_paths(registry, target)
    async for content in read_repositories(registry, target, paths, owners):
        if content.unfinished:
            found.busy.append(content.path)
        found.manifests += leftover_manifests(content)


def _leave_changed(
    found: Leftovers,
    target: clients.RegistryTarget,
    before: Iterable[KubernetesObject],
    now: Iterable[KubernetesObject],
) -> None:
    """Leave repositories alone whose instances changed while the registry was read: they may use what was unused."""
    old, new = (owners_by_path(target, owners) for owners in (before, now))
    changed = {path for path in old | new if _versions(old.get(path, ())) != _versions(new.get(path, ()))}
    changed |= {path + BUILD_CACHE_SUFFIX for path in changed}
    found.busy = sorted(
        {*found.busy, *(each.repository for each in found.manifests if each.repository in changed)}
    )
    found.manifests = [each for each in found.manifests if each.repository not in changed]


def _versions(bodies: Iterable[KubernetesObject]) -> set[tuple[str, str]]:
    return {(body["metadata"]["uid"], body["metadata"]["resourceVersion"]) for body in bodies}


async def _delete_manifests(registry: RegistryClient, manifests: Iterable[LeftoverManifest]) -> None:
    for each in manifests:
        try:
            await registry.delete_manifest(each.repository, each.digest)
        except RegistryRefused as error:
            raise RegistryRefused(
                f"{error}; deleting must be enabled (distribution: REGISTRY_STORAGE_DELETE_ENABLED=true) and allowed"
            ) from error


async def _delete_objects(kube: KubeClient, objects: Iterable[LeftoverObject]) -> None:
    for each in objects:
        await kube.delete(each.resource, each.namespace, each.name, uid=each.uid)
        if each.held:
            released = {"metadata": {"finalizers": None, "uid": each.uid}}
            await kube.patch(each.resource, each.namespace, each.name, released)


def _print_table(found: Leftovers, delete: bool, searched_registry: bool) -> None:
    rows = [(each.resource.kind, f"{each.namespace}/{each.name}", 1, "", each.why) for each in found.objects]
    numbers = Counter((each.repository, each.kind) for each in found.manifests)
    for (repository, kind), number in numbers.items():
        size = sum(
            each.size for each in found.manifests if (each.repository, each.kind) == (repository, kind)
        )
        rows.append((kind, repository, number, decimal(size), "nothing names it"))
    if rows:
        console.stdout().print(console.table(LEFTOVER_COLUMNS, rows))
    _print_notes(found, delete, searched_registry)


def _print_notes(found: Leftovers, delete: bool, searched_registry: bool) -> None:
    number, size = len(found.objects) + len(found.manifests), total_size(found.manifests)
    in_registry = f", {decimal(size)} in the registry" if found.manifests else ""
    console.print_note(f"{pluralize(number, 'leftover')}{in_registry}{': deleted' if delete else ''}")
    if number and not delete:
        console.print_note("Nothing was deleted. --delete deletes them.")
    if found.busy:
        repositories = "repository" if len(found.busy) == 1 else "repositories"
        console.print_note(f"{len(found.busy)} {repositories} left alone: work is going on there.")
    if delete and found.manifests:
        console.print_note(
            "The registry frees the space at its next garbage collection: `registry garbage-collect "
            "--delete-untagged`, while it is stopped or read-only."
        )
    if not searched_registry:
        console.print_note("The registry was not looked at: give --registry.")


def _json(found: Leftovers, delete: bool) -> dict[str, object]:
    return {
        "deleted": delete,
        "objects": [
            {"kind": each.resource.kind, "namespace": each.namespace, "name": each.name, "why": each.why}
            for each in found.objects
        ],
        "manifests": [
            {"repository": each.repository, "digest": each.digest, "kind": each.kind, "bytes": each.size}
            for each in found.manifests
        ],
        "busy": found.busy,
    }
