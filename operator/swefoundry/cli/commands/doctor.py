"""`swefoundry doctor`: whether the cluster, the installation and the registry are as they must be."""

import asyncio
from collections.abc import Awaitable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer
from rich.text import Text

from swefoundry.api.codegen.crds import RESOURCE_DEFINITIONS
from swefoundry.cli import clients, console, options
from swefoundry.cli.connection_pods import measure_connections
from swefoundry.cli.diagnosis import Finding, InstalledSystem, Level, findings
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.cli.operator_pods import list_operators
from swefoundry.errors import SwefoundryError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import (
    CRDS,
    NAMESPACES,
    NETWORK_POLICIES,
    NODES,
    ApiObject,
    Resource,
)

ReadT = TypeVar("ReadT")
ABSENT_BLOB = f"sha256:{0:064}"
"""A digest of which no content is known: any answer about it shows that the registry answers."""
STYLES = {Level.OK: "green", Level.UNKNOWN: "yellow", Level.PROBLEM: "red"}


def doctor(
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    pods: Annotated[
        bool,
        typer.Option(
            "--pods", help="Also start short pods that measure registry, pulls, models and isolation."
        ),
    ] = False,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Check what an installation needs, one line each, with the fix: versions, CRDs, operator, policies, registry.

    Without --pods nothing is changed and no pod is started; with it, pods with the rights and network policies of
    builds, agents and evaluations measure what only they can, and are deleted. `helm test` runs a whole instance. With
    a problem the exit code is 1.
    """
    cluster = clients.cluster_target(namespace, context)
    target = clients.RegistryTarget(registry, insecure, prefix)
    found = asyncio.run(_diagnose(cluster, target, pods))
    if output is console.OutputFormat.JSON:
        console.print_json([asdict(finding) for finding in found])
    else:
        _print_findings(found)
    if any(finding.level is Level.PROBLEM for finding in found):
        raise typer.Exit(ExitStatus.SOME_REJECTED)


def _print_findings(found: list[Finding]) -> None:
    rows = [
        (item.check, Text(item.level, style=STYLES[item.level]), f"{item.found}{_fix(item)}")
        for item in found
    ]
    console.stdout().print(console.table(("check", "result", "found"), rows))


def _fix(item: Finding) -> str:
    return f". {item.fix[:1].upper()}{item.fix[1:]}" if item.fix else ""


async def _diagnose(
    cluster: clients.ClusterTarget, target: clients.RegistryTarget, pods: bool
) -> list[Finding]:
    async with clients.open_cluster(cluster) as kube:
        found = findings(await _read_installation(kube, cluster.namespace, target))
        return [*found, *await measure_connections(kube, cluster.namespace)] if pods else found


async def _read_installation(
    kube: KubeClient, namespace: str, target: clients.RegistryTarget
) -> InstalledSystem:
    version = await kube.version()
    return InstalledSystem(
        namespace=namespace,
        version=version,
        nodes=await _or_reason(_list(kube, NODES)),
        crds={item.name: await _or_reason(kube.get(CRDS, "", item.name)) for item in RESOURCE_DEFINITIONS},
        operators=await _or_reason(list_operators(kube, namespace)),
        namespace_object=await _or_reason(kube.get(NAMESPACES, "", namespace)),
        network_policies=await _or_reason(_list(kube, NETWORK_POLICIES, namespace)),
        registry=target.host,
        registry_error=await _registry_error(target),
    )


async def _list(
    kube: KubeClient, resource: Resource, namespace: str = "", selector: str = ""
) -> list[ApiObject]:
    return [item async for item in kube.list(resource, namespace, selector)]


async def _or_reason(read: Awaitable[ReadT]) -> ReadT | str:
    """What was read, or why it could not be."""
    try:
        return await read
    except SwefoundryError as error:
        return str(error)


async def _registry_error(target: clients.RegistryTarget) -> str:
    if not target.host:
        return ""
    async with clients.open_registry(target) as registry:
        answer = await _or_reason(registry.has_blob(target.repository("swefoundry/doctor"), ABSENT_BLOB))
    return answer if isinstance(answer, str) else ""
