"""Where do the manifests of an import or a collection go: a folder, stdout, or the cluster?"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from swefoundry.cli import clients
from swefoundry.cli.datasets import yaml_dump
from swefoundry.cli.datasets.instance import Made
from swefoundry.errors import ApiRefused
from swefoundry.kube.api_client import Kube
from swefoundry.kube.resources import CONFIG_MAPS, TASKS
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.registry_client import Registry

AT_ONCE = 8
"""Instances applied at the same time: enough to hide the round trips, too few to be throttled."""


class Sink(Protocol):
    """Takes the objects of one instance; returns where they went, for people."""

    async def put(self, made: Made) -> str: ...


@dataclass(frozen=True)
class Target:
    """What the user asked for."""

    out: Path | None
    apply: bool
    place: clients.Place
    store: clients.Store

    @property
    def on_stdout(self) -> bool:
        return not self.apply and self.out in (None, Path("-"))


class Folder:
    """One YAML file per instance, replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir(parents=True, exist_ok=True)

    async def put(self, made: Made) -> str:
        path = self._path / f"{made.name}.yaml"
        part = path.with_suffix(".part")
        part.write_text(yaml_dump.dump(made.objects), encoding="utf-8", newline="\n")
        os.replace(part, path)
        return str(path)


class Stdout:
    """One YAML stream."""

    async def put(self, made: Made) -> str:
        sys.stdout.write(yaml_dump.dump(made.objects))
        return "stdout"


class Cluster:
    """Server-side apply, ConfigMaps before the TaskInstance that refers to them."""

    def __init__(self, kube: Kube, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace

    async def put(self, made: Made) -> str:
        for body in made.objects:
            kind = CONFIG_MAPS if body["kind"] == "ConfigMap" else TASKS
            namespace = body["metadata"].get("namespace", self._namespace)
            await self._kube.apply(kind, namespace, body["metadata"]["name"], body)
        return f"taskinstance/{made.name}"


class WithBlobs:
    """Puts the patches that no ConfigMap holds into the registry first."""

    def __init__(self, sink: Sink, registry: Registry, store: clients.Store) -> None:
        self._sink = sink
        self._registry = registry
        self._store = store

    async def put(self, made: Made) -> str:
        repository = self._store.repository(made.repo)
        for number, blob in enumerate(made.blobs):
            # As an artifact, because registries collect blobs that no manifest names.
            await push_artifact(self._registry, repository, "patch", {f"{made.name}-{number}.patch": blob})
        return await self._sink.put(made)


@asynccontextmanager
async def opened(target: Target) -> AsyncIterator[Sink]:
    """The sink that the target describes, connected."""
    async with AsyncExitStack() as stack:
        sink: Sink
        if target.apply:
            kube = await stack.enter_async_context(clients.cluster(target.place))
            sink = Cluster(kube, target.place.namespace)
        elif target.out is None or target.on_stdout:
            sink = Stdout()
        else:
            sink = Folder(target.out)
        if target.store.host:
            registry = await stack.enter_async_context(clients.registry(target.store))
            sink = WithBlobs(sink, registry, target.store)
        yield sink


async def deliver(items: Iterable[Made], sink: Sink, refused: Callable[[Made, str], None]) -> list[str]:
    """Put all; what the API refuses is told and the others go on. Returns where each went."""
    places: list[str] = []
    batch: list[Made] = []

    async def flush() -> None:
        places.extend(filter(None, await asyncio.gather(*(_put(made, sink, refused) for made in batch))))
        batch.clear()

    for made in items:
        batch.append(made)
        if len(batch) == AT_ONCE:
            await flush()
    await flush()
    return places


async def _put(made: Made, sink: Sink, refused: Callable[[Made, str], None]) -> str:
    try:
        return await sink.put(made)
    except ApiRefused as error:
        refused(made, f"the cluster refused it: {error}")
        return ""
