"""`swefoundry import`: rows of a data set to TaskInstances."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from swefoundry.cli import clients, console, manifest_output, options
from swefoundry.cli.datasets.instance import Made, Refused, Settings, make, object_name
from swefoundry.cli.datasets.rows import formats
from swefoundry.cli.datasets.rows.columns import BadColumn
from swefoundry.cli.datasets.rows.row_files import BadRow, Row, read_rows
from swefoundry.cli.datasets.template import settings_of
from swefoundry.cli.summary import Outcome


def import_(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, or a JSON list or map.")
    ],
    row_format: Annotated[
        formats.RowFormat, typer.Option("--format", help="Format of the rows; `auto` tells it row by row.")
    ] = formats.RowFormat.AUTO,
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
    output: console.OutputOption = console.Format.TABLE,
) -> None:
    """Make TaskInstances of SWE-bench or SWE-Factory rows.

    Every bad row is named with its line and the reason; the good ones go on. Without --out and --apply the
    manifests are printed. Patches over 64 KiB become ConfigMaps, over 1 MiB blobs of the registry.
    """
    place = clients.Place(clients.namespace_of(namespace, context=context), context)
    target = manifest_output.Target(out, apply, place, clients.Store(registry, insecure, prefix))
    settings = settings_of(namespace, registry, template, strategies, experiment)
    outcome = Outcome()
    asyncio.run(_run(_made(file, row_format, settings, outcome), target, outcome))
    raise typer.Exit(outcome.show("instance", output, quiet=target.on_stdout))


async def _run(items: Iterator[Made], target: manifest_output.Target, outcome: Outcome) -> None:
    async with manifest_output.opened(target) as sink:
        places = await manifest_output.deliver(items, sink, lambda made, why: outcome.refuse(made.name, why))
        outcome.good.extend(places)


def _made(file: Path, wanted: formats.RowFormat, settings: Settings, outcome: Outcome) -> Iterator[Made]:
    """The instances of the good rows; the bad ones are told to the outcome."""
    names: dict[str, str] = {}
    for row in read_rows(file):
        place = f"{file.name}, {row.place}"
        if isinstance(row, BadRow):
            outcome.refuse(place, row.reason)
            continue
        known = str(row.columns.get("instance_id") or "")
        try:
            yield _one(row, wanted, settings, names)
        except (BadColumn, Refused) as error:
            outcome.refuse(place, str(error), known)
            continue
        for sentence in formats.remarks(row.columns):
            outcome.note(f"{place} ({known}): {sentence}")


def _one(row: Row, wanted: formats.RowFormat, settings: Settings, names: dict[str, str]) -> Made:
    found = formats.detect(row.columns)
    if wanted not in (formats.RowFormat.AUTO, found):
        raise BadColumn(f"this looks like a {found} row, and --format says {wanted}")
    instance = formats.instance(row.columns)
    name = object_name(instance.instance_id)
    if name in names:
        raise Refused(f"its name {name} is taken by {names[name]} before it")
    made = make(instance, settings, name)
    names[name] = instance.instance_id
    return made
