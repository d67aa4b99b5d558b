"""`swefoundry collect releases`: pairs of releases of a package to TaskInstances."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from swefoundry.cli import clients, manifest_output, options
from swefoundry.cli import console as screen
from swefoundry.cli.datasets.instance import Instance, InstanceRejected, InstanceSettings, render_instance
from swefoundry.cli.datasets.template import instance_settings
from swefoundry.cli.exit_status import ExitStatus, ServiceUnavailable
from swefoundry.cli.releases import pairs
from swefoundry.cli.releases.collecting import PairRejected, collect_pair
from swefoundry.cli.releases.index import NoRelease, PackageIndex, pip_index
from swefoundry.cli.releases.release_trees import ReleaseDiffFailed
from swefoundry.cli.releases.splitting import TEST_GLOBS, path_classifier
from swefoundry.cli.releases.unpacking import BadArchive
from swefoundry.cli.summary import RunSummary

REJECTIONS = (PairRejected, NoRelease, BadArchive, ReleaseDiffFailed, InstanceRejected)
MAX_OUTAGES_BEFORE_SUCCESS = 3
"""Failures of the index without a single success after which it is taken for dead."""
CONCURRENT_PAIRS = 3
"""Pairs at a time: one downloads while others are unpacked and compared."""


@dataclass(frozen=True)
class PairRequest:
    """A pair and where it was asked for."""

    pair: pairs.ReleasePair
    place: str


def releases(
    pair_texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="PKG:OLD..NEW", help="Pairs, such as itsdangerous:2.1.0..2.1.1."),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            "--file",
            exists=True,
            dir_okay=False,
            help="One pair a line, `#` comments, then perhaps repo=a/b.",
        ),
    ] = None,
    test_glob: Annotated[
        list[str] | None,
        typer.Option(
            "--test-glob", help=f"Which files are tests; repeat it. Default: {' '.join(TEST_GLOBS)}"
        ),
    ] = None,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder that keeps the archives.")] = None,
    out: options.Out = None,
    apply: options.Apply = False,
    template: options.Template = None,
    strategies: options.StrategyNames = "",
    experiment: options.Experiment = "",
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.RegistryForLargeTexts = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: screen.OutputOption = screen.OutputFormat.TABLE,
) -> None:
    """Make TaskInstances of pairs of releases in the package index that pip is configured with.

    OLD's source archive is the source. What differs in NEW is split by the test globs into the test patch and the
    gold patch; files that packaging tools write are left out. Nothing of the package is run.
    """
    outcome = RunSummary()
    asked = list(_pair_requests(pair_texts or [], file, outcome))
    if not asked and not outcome.rejected:
        raise typer.BadParameter("give pairs, or --file", param_hint="PKG:OLD..NEW")
    place = clients.ClusterTarget(clients.resolve_namespace(namespace, context=context), context)
    store = clients.RegistryTarget(registry, insecure, prefix)
    target = manifest_output.OutputTarget(out, apply, place, store)
    settings = instance_settings(namespace, registry, template, strategies, experiment)
    collection = Collection(asked, settings, tuple(test_glob or TEST_GLOBS), outcome)
    asyncio.run(_collect(collection, target, cache or default_cache()))
    code = outcome.print_summary("instance", output, quiet=target.on_stdout)
    raise typer.Exit(ExitStatus.SERVICE_UNREACHABLE if collection.outages else code)


@dataclass(frozen=True)
class Collection:
    """What is to be collected, and where its outcome is told."""

    requests: list[PairRequest]
    settings: InstanceSettings
    test_globs: tuple[str, ...]
    outcome: RunSummary
    names: dict[str, str] = field(default_factory=dict)
    """Object names so far, and the pairs that have them."""
    outages: list[ServiceUnavailable] = field(default_factory=list)
    """Times that the index failed; one bad download does not end the collection, a dead index does."""

    def record_outage(self, request: PairRequest, error: ServiceUnavailable) -> None:
        self.outages.append(error)
        self.outcome.reject(request.place, str(error), str(request.pair))
        if len(self.outages) >= MAX_OUTAGES_BEFORE_SUCCESS and not self.outcome.succeeded:
            raise error


def default_cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "swefoundry" / "archives"


def _pair_requests(
    pair_texts: Iterable[str], file: Path | None, outcome: RunSummary
) -> Iterable[PairRequest]:
    listed = [(text, text) for text in pair_texts]
    if file is not None:
        numbered = pairs.pair_lines(file.read_text(encoding="utf-8").splitlines())
        listed += [(f"{file.name}, line {number}", text) for number, text in numbered]
    for place, text in listed:
        try:
            yield PairRequest(pairs.parse_pair(text), place)
        except pairs.BadPair as error:
            outcome.reject(place, str(error))


async def _collect(collection: Collection, target: manifest_output.OutputTarget, cache: Path) -> None:
    async with manifest_output.open_sink(target) as sink, pip_index(cache) as index:
        with _progress() as bar:
            task = bar.add_task("collecting", total=len(collection.requests))
            async for asked, instance in _collect_instances(collection, index):
                bar.advance(task)
                if instance is not None:
                    await _deliver(asked, instance, collection, sink)


async def _deliver(
    request: PairRequest, instance: Instance, collection: Collection, sink: manifest_output.Sink
) -> None:
    def refused(_: object, why: str) -> None:
        collection.outcome.reject(request.place, why, str(request.pair))

    try:
        made = render_instance(instance, collection.settings)
    except InstanceRejected as error:
        return refused(request, str(error))
    if made.name in collection.names:
        return refused(request, f"its name {made.name} is taken by {collection.names[made.name]} before it")
    collection.names[made.name] = str(request.pair)
    collection.outcome.succeeded.extend(await manifest_output.deliver([made], sink, refused))
    return None


async def _collect_instances(
    collection: Collection, index: PackageIndex
) -> AsyncIterator[tuple[PairRequest, Instance | None]]:
    """Every pair in the order asked; ``None`` for one that was refused."""
    part_of = path_classifier(collection.test_globs)
    turn = asyncio.Semaphore(CONCURRENT_PAIRS)

    async def one(asked: PairRequest) -> Instance | None:
        async with turn:
            try:
                return await collect_pair(asked.pair, index, part_of)
            except REJECTIONS as error:
                collection.outcome.reject(asked.place, str(error), str(asked.pair))
            except ServiceUnavailable as error:
                collection.record_outage(asked, error)
            return None

    tasks = [asyncio.create_task(one(asked)) for asked in collection.requests]
    try:
        for asked, task in zip(collection.requests, tasks, strict=True):
            yield asked, await task
    except ServiceUnavailable:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = screen.stderr()
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
