"""Destinations of the manifests of an import or a collection: a folder, stdout, or the cluster."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from swefoundry.cli import clients
from swefoundry.cli.datasets import yaml_dump
from swefoundry.cli.datasets.instance import RenderedInstance
from swefoundry.errors import ApiRefused
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import CONFIG_MAPS, TASKS
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.registry_client import RegistryClient

CONCURRENT_APPLIES = 8
"""Instances applied at the same time: enough to hide the round trips, too few to be rate-limited."""


class Sink(Protocol):
    """Destination of rendered instances."""

    async def put(self, rendered: RenderedInstance) -> str:
        """Write one instance; returns its destination, for people."""


@dataclass(frozen=True)
class OutputTarget:
    """Destination that the options of a command ask for."""

    out: Path | None
    apply: bool
    cluster: clients.ClusterTarget
    registry: clients.RegistryTarget

    @property
    def on_stdout(self) -> bool:
        return not self.apply and self.out in (None, Path("-"))


class FolderSink:
    """Writes one YAML file per instance, each replaced atomically."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    async def put(self, rendered: RenderedInstance) -> str:
        path = self._path / f"{rendered.name}.yaml"
        part = path.with_suffix(".part")
        part.write_text(yaml_dump.dump_manifests(rendered.objects), encoding="utf-8", newline="\n")
        os.replace(part, path)
        return str(path)


class StdoutSink:
    """Writes one YAML stream to stdout."""

    async def put(self, rendered: RenderedInstance) -> str:
        sys.stdout.write(yaml_dump.dump_manifests(rendered.objects))
        return "stdout"


class ClusterSink:
    """Applies objects server-side, ConfigMaps before the TaskInstance that refers to them."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    async def put(self, rendered: RenderedInstance) -> str:
        for body in rendered.objects:
            kind = CONFIG_MAPS if body["kind"] == "ConfigMap" else TASKS
            namespace = body["metadata"].get("namespace", self._namespace)
            await self._kube.apply(kind, namespace, body["metadata"]["name"], body)
        return f"taskinstance/{rendered.name}"


class RegistryBlobSink:
    """Pushes long patches to the registry, then writes to another sink."""

    def __init__(self, sink: Sink, registry: RegistryClient, target: clients.RegistryTarget) -> None:
        self._sink = sink
        self._registry = registry
        self._target = target

    async def put(self, rendered: RenderedInstance) -> str:
        repository = self._target.repository(rendered.repo)
        for number, blob in enumerate(rendered.blobs):
            # As an artifact, because registries garbage-collect blobs that no manifest names.
            await push_artifact(
                self._registry, repository, "patch", {f"{rendered.name}-{number}.patch": blob}
            )
        return await self._sink.put(rendered)


@asynccontextmanager
async def open_sink(target: OutputTarget) -> AsyncIterator[Sink]:
    """Sink for the target, with its clients connected."""
    async with AsyncExitStack() as stack:
        sink: Sink
        if target.apply:
            kube = await stack.enter_async_context(clients.open_cluster(target.cluster))
            sink = ClusterSink(kube, target.cluster.namespace)
        elif target.out is None or target.on_stdout:
            sink = StdoutSink()
        else:
            sink = FolderSink(target.out)
        if target.registry.host:
            registry = await stack.enter_async_context(clients.open_registry(target.registry))
            sink = RegistryBlobSink(sink, registry, target.registry)
        yield sink


async def deliver(
    items: Iterable[RenderedInstance], sink: Sink, on_rejected: Callable[[RenderedInstance, str], None]
) -> list[str]:
    """Write all items, some at a time; those that the API refuses are reported. Returns the destinations."""
    destinations: list[str] = []
    iterator = iter(items)
    while batch := list(islice(iterator, CONCURRENT_APPLIES)):
        written = await asyncio.gather(*(_put_or_reject(item, sink, on_rejected) for item in batch))
        destinations.extend(filter(None, written))
    return destinations


async def _put_or_reject(
    rendered: RenderedInstance, sink: Sink, on_rejected: Callable[[RenderedInstance, str], None]
) -> str:
    try:
        return await sink.put(rendered)
    except ApiRefused as error:
        on_rejected(rendered, f"the cluster refused it: {error}")
        return ""
