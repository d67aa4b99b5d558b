"""`swefoundry collect releases`: TaskInstances from pairs of releases of a package."""

import asyncio
import os
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from swefoundry.cli import clients, console, manifest_output, options
from swefoundry.cli.datasets.instance import RenderedInstance
from swefoundry.cli.datasets.template import instance_settings
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.cli.releases.batch import Collection, PairRequest, collect_instances, pair_requests
from swefoundry.cli.releases.crates import CrateIndex
from swefoundry.cli.releases.go_proxy import GoProxy
from swefoundry.cli.releases.index import PackageIndex, pip_index
from swefoundry.cli.releases.maven_repository import MavenRepository
from swefoundry.cli.releases.npm_registry import NpmRegistry
from swefoundry.cli.releases.pairs import PAIR_EXAMPLES
from swefoundry.cli.releases.source_upload import source_upload
from swefoundry.cli.releases.splitting import (
    GO_TEST_GLOBS,
    JAVA_TEST_GLOBS,
    NPM_TEST_GLOBS,
    RUST_TEST_GLOBS,
    TEST_GLOBS,
)
from swefoundry.cli.summary import RunSummary

PairsFile = Annotated[
    Path | None,
    typer.Option(
        "--file",
        exists=True,
        dir_okay=False,
        help="File with one pair per line, optionally followed by repo=owner/name; `#` starts a comment.",
    ),
]
GlobsOfTests = Annotated[
    list[str] | None,
    typer.Option(
        "--test-glob",
        help="Glob for test files; may be repeated. "
        f"Default: {' '.join(TEST_GLOBS)}; for Go: {' '.join(GO_TEST_GLOBS)}; "
        f"for npm: {' '.join(NPM_TEST_GLOBS)}; for crates: {' '.join(RUST_TEST_GLOBS)}; "
        f"for Java: {' '.join(JAVA_TEST_GLOBS)}",
    ),
]


def releases(
    pair_texts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PKG:OLD..NEW",
            help=f"Pairs, such as {PAIR_EXAMPLES}.",
        ),
    ] = None,
    file: PairsFile = None,
    test_glob: GlobsOfTests = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder for downloaded archives.")] = None,
    out: options.OutFolder = None,
    apply: options.Apply = False,
    template: options.Template = None,
    strategies: options.StrategyNames = "",
    experiment: options.Experiment = "",
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryForLongPatches = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Make TaskInstances from pairs of releases in the index of pip, in GOPROXY, or in that of npm, cargo or Maven.

    The source is OLD's source archive. The differences in NEW are split by the test globs into the test patch and the
    gold patch; files that packaging tools write are left out. No code of the package is run. Maven artifacts
    whose source was published as jars need --registry, where it is stored in one piece.
    """
    summary = RunSummary()
    requests = pair_requests(pair_texts or [], file, summary)
    if not requests and not summary.rejected:
        raise typer.BadParameter("give pairs, or --file", param_hint="PKG:OLD..NEW")
    store = clients.RegistryTarget(registry, insecure, prefix)
    target = manifest_output.OutputTarget(out, apply, clients.cluster_target(namespace, context), store)
    settings = instance_settings(namespace, registry, template, strategies, experiment)
    collection = Collection(requests, settings, tuple(test_glob or ()), summary)
    asyncio.run(_collect(collection, target, cache or default_cache()))
    status = summary.print_summary("instance", output, quiet=target.on_stdout)
    raise typer.Exit(ExitStatus.SERVICE_UNREACHABLE if collection.outages else status)


def default_cache() -> Path:
    """Folder for archives below the user's cache folder."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "swefoundry" / "archives"


async def _collect(collection: Collection, target: manifest_output.OutputTarget, cache: Path) -> None:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(manifest_output.open_sink(target))
        index = await stack.enter_async_context(pip_index(cache))
        upload = None
        if target.registry.host:
            registry = await stack.enter_async_context(clients.open_registry(target.registry))
            upload = source_upload(registry, target.registry)
        with _progress() as bar:
            task = bar.add_task("collecting", total=len(collection.requests))
            indexes: dict[str, PackageIndex] = {
                "python": index,
                "go": GoProxy(index),
                "java": MavenRepository(index),
                "javascript": NpmRegistry(index),
                "rust": CrateIndex(index),
            }
            async for request, instance in collect_instances(collection, indexes, upload):
                bar.advance(task)
                if instance and (rendered := collection.render(request, instance)):
                    await _deliver(request, rendered, collection, sink)


async def _deliver(
    request: PairRequest, rendered: RenderedInstance, collection: Collection, sink: manifest_output.Sink
) -> None:
    destinations = await manifest_output.deliver(
        [rendered], sink, lambda _, reason: collection.reject(request, reason)
    )
    collection.summary.succeeded.extend(destinations)


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    terminal = console.stderr()
    return Progress(*columns, console=terminal, transient=True, disable=not terminal.is_terminal)
