"""`swefoundry import`: rows of a data set to TaskInstances."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from swefoundry.cli import clients, console, manifest_output, options
from swefoundry.cli.datasets.instance import (
    InstanceRejected,
    InstanceSettings,
    RenderedInstance,
    object_name,
    render_instance,
)
from swefoundry.cli.datasets.rows import formats
from swefoundry.cli.datasets.rows.columns import BadColumn
from swefoundry.cli.datasets.rows.row_files import BadRow, Row, read_rows
from swefoundry.cli.datasets.template import instance_settings
from swefoundry.cli.summary import RunSummary


def import_rows(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, or a JSON list or map.")
    ],
    row_format: Annotated[
        formats.RowFormat, typer.Option("--format", help="Format of the rows; `auto` tells it row by row.")
    ] = formats.RowFormat.AUTO,
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
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Make TaskInstances of SWE-bench or SWE-Factory rows.

    Every bad row is named with its line and the reason; the good ones go on. Without --out and --apply the
    manifests are printed. Patches over 64 KiB become ConfigMaps, over 1 MiB blobs of the registry.
    """
    place = clients.ClusterTarget(clients.resolve_namespace(namespace, context=context), context)
    target = manifest_output.OutputTarget(
        out, apply, place, clients.RegistryTarget(registry, insecure, prefix)
    )
    settings = instance_settings(namespace, registry, template, strategies, experiment)
    outcome = RunSummary()
    asyncio.run(_deliver_rows(_render_rows(file, row_format, settings, outcome), target, outcome))
    raise typer.Exit(outcome.print_summary("instance", output, quiet=target.on_stdout))


async def _deliver_rows(
    items: Iterator[RenderedInstance], target: manifest_output.OutputTarget, outcome: RunSummary
) -> None:
    async with manifest_output.open_sink(target) as sink:
        places = await manifest_output.deliver(items, sink, lambda made, why: outcome.reject(made.name, why))
        outcome.succeeded.extend(places)


def _render_rows(
    file: Path, row_format: formats.RowFormat, settings: InstanceSettings, outcome: RunSummary
) -> Iterator[RenderedInstance]:
    """The instances of the good rows; the bad ones are told to the outcome."""
    names: dict[str, str] = {}
    for row in read_rows(file):
        place = f"{file.name}, {row.place}"
        if isinstance(row, BadRow):
            outcome.reject(place, row.reason)
            continue
        known = str(row.columns.get("instance_id") or "")
        try:
            yield _render_row(row, row_format, settings, names)
        except (BadColumn, InstanceRejected) as error:
            outcome.reject(place, str(error), known)
            continue
        for sentence in formats.row_warnings(row.columns):
            outcome.add_note(f"{place} ({known}): {sentence}")


def _render_row(
    row: Row, row_format: formats.RowFormat, settings: InstanceSettings, names: dict[str, str]
) -> RenderedInstance:
    found = formats.detect_format(row.columns)
    if row_format not in (formats.RowFormat.AUTO, found):
        raise BadColumn(f"this looks like a {found} row, and --format says {row_format}")
    instance = formats.read_instance(row.columns)
    name = object_name(instance.instance_id)
    if name in names:
        raise InstanceRejected(f"its name {name} is taken by {names[name]} before it")
    made = render_instance(instance, settings, name)
    names[name] = instance.instance_id
    return made
