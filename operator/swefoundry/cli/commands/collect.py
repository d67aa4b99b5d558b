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
from swefoundry.cli.datasets.instance import Instance, Refused, Settings, make
from swefoundry.cli.datasets.template import settings_of
from swefoundry.cli.exit_status import Exit, ServiceUnavailable
from swefoundry.cli.releases import pairs
from swefoundry.cli.releases.collecting import NoInstance, collect_pair
from swefoundry.cli.releases.index import Index, NoRelease, pip_index
from swefoundry.cli.releases.release_trees import GitFailed
from swefoundry.cli.releases.splitting import TEST_GLOBS, classifier
from swefoundry.cli.releases.unpacking import BadArchive
from swefoundry.cli.summary import Outcome

REFUSALS = (NoInstance, NoRelease, BadArchive, GitFailed, Refused)
OUTAGES_IN_VAIN = 3
"""Failures of the index without a single success after which it is taken for dead."""
AT_ONCE = 3
"""Pairs at a time: one downloads while others are unpacked and compared."""


@dataclass(frozen=True)
class Asked:
    """A pair and where it was asked for."""

    pair: pairs.Pair
    place: str


def releases(
    given: Annotated[
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
    strategies: options.Strategies = "",
    experiment: options.Experiment = "",
    namespace: options.Namespace = "",
    context: options.Context = None,
    registry: options.LargeTexts = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
    output: screen.OutputOption = screen.Format.TABLE,
) -> None:
    """Make TaskInstances of pairs of releases in the package index that pip is configured with.

    OLD's source archive is the source. What differs in NEW is split by the test globs into the test patch and the
    gold patch; files that packaging tools write are left out. Nothing of the package is run.
    """
    outcome = Outcome()
    asked = list(_asked(given or [], file, outcome))
    if not asked and not outcome.bad:
        raise typer.BadParameter("give pairs, or --file", param_hint="PKG:OLD..NEW")
    place = clients.Place(clients.namespace_of(namespace, context=context), context)
    target = manifest_output.Target(out, apply, place, clients.Store(registry, insecure, prefix))
    settings = settings_of(namespace, registry, template, strategies, experiment)
    collection = Collection(asked, settings, tuple(test_glob or TEST_GLOBS), outcome)
    asyncio.run(_run(collection, target, cache or default_cache()))
    code = outcome.show("instance", output, quiet=target.on_stdout)
    raise typer.Exit(Exit.SERVICE_UNREACHABLE if collection.outages else code)


@dataclass(frozen=True)
class Collection:
    """What is to be collected, and where its outcome is told."""

    asked: list[Asked]
    settings: Settings
    test_globs: tuple[str, ...]
    outcome: Outcome
    names: dict[str, str] = field(default_factory=dict)
    """Object names so far, and the pairs that have them."""
    outages: list[ServiceUnavailable] = field(default_factory=list)
    """Times that the index failed; one bad download does not end the collection, a dead index does."""

    def outage(self, asked: Asked, error: ServiceUnavailable) -> None:
        self.outages.append(error)
        self.outcome.refuse(asked.place, str(error), str(asked.pair))
        if len(self.outages) >= OUTAGES_IN_VAIN and not self.outcome.good:
            raise error


def default_cache() -> Path:
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "swefoundry" / "archives"


def _asked(given: Iterable[str], file: Path | None, outcome: Outcome) -> Iterable[Asked]:
    listed = [(text, text) for text in given]
    if file is not None:
        numbered = pairs.lines(file.read_text(encoding="utf-8").splitlines())
        listed += [(f"{file.name}, line {number}", text) for number, text in numbered]
    for place, text in listed:
        try:
            yield Asked(pairs.parse(text), place)
        except pairs.BadPair as error:
            outcome.refuse(place, str(error))


async def _run(collection: Collection, target: manifest_output.Target, cache: Path) -> None:
    async with manifest_output.opened(target) as sink, pip_index(cache) as index:
        with _progress() as bar:
            task = bar.add_task("collecting", total=len(collection.asked))
            async for asked, instance in _instances(collection, index):
                bar.advance(task)
                if instance is not None:
                    await _deliver(asked, instance, collection, sink)


async def _deliver(
    asked: Asked, instance: Instance, collection: Collection, sink: manifest_output.Sink
) -> None:
    def refused(_: object, why: str) -> None:
        collection.outcome.refuse(asked.place, why, str(asked.pair))

    try:
        made = make(instance, collection.settings)
    except Refused as error:
        return refused(asked, str(error))
    if made.name in collection.names:
        return refused(asked, f"its name {made.name} is taken by {collection.names[made.name]} before it")
    collection.names[made.name] = str(asked.pair)
    collection.outcome.good.extend(await manifest_output.deliver([made], sink, refused))
    return None


async def _instances(collection: Collection, index: Index) -> AsyncIterator[tuple[Asked, Instance | None]]:
    """Every pair in the order asked; ``None`` for one that was refused."""
    part_of = classifier(collection.test_globs)
    turn = asyncio.Semaphore(AT_ONCE)

    async def one(asked: Asked) -> Instance | None:
        async with turn:
            try:
                return await collect_pair(asked.pair, index, part_of)
            except REFUSALS as error:
                collection.outcome.refuse(asked.place, str(error), str(asked.pair))
            except ServiceUnavailable as error:
                collection.outage(asked, error)
            return None

    tasks = [asyncio.create_task(one(asked)) for asked in collection.asked]
    try:
        for asked, task in zip(collection.asked, tasks, strict=True):
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
