"""`swefoundry import`: TaskInstances from rows of a data set."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from swefoundry.cli import clients, console, manifest_output, options
from swefoundry.cli.datasets.instance import (
    InstanceRejected,
    InstanceSettings,
    RenderedInstance,
    long_patch_warnings,
    object_name,
    render_instance,
)
from swefoundry.cli.datasets.rows import formats
from swefoundry.cli.datasets.rows.columns import BadColumn
from swefoundry.cli.datasets.rows.row_files import BadRow, Row, read_rows
from swefoundry.cli.datasets.source_template import read_source_template, with_source
from swefoundry.cli.datasets.template import instance_settings
from swefoundry.cli.summary import RunSummary
from swefoundry.patches.prefixes import MAX_STRIP


@dataclass(frozen=True)
class RowOptions:
    """How the user says that rows are to be read."""

    format: formats.RowFormat
    strip: int | None
    source_template: str
    """URL of a row's repository; empty: the default of the API."""


StripOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=MAX_STRIP,
        help="Accept patches whose paths have other prefixes than a/ and b/: drop this many leading components "
        "(0: there are no prefixes) and write a/ and b/. Patches with a/ and b/ stay as they are.",
    ),
]
SourceTemplateOption = Annotated[
    str,
    typer.Option(
        "--source-template",
        metavar="URL",
        help="Git URL of a row's repository, such as https://forge.example/{repo}.git; {repo} is owner/name, "
        "{owner} and {name} are its parts. Rows with a source of their own keep it.",
    ),
]
GitBaseOption = Annotated[
    str,
    typer.Option(
        "--git-base",
        metavar="URL",
        help="Short for --source-template URL/{repo}.git: a mirror of GitHub.",
    ),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", help="Print each remark about a row, not one for all rows.")
]
FormatOption = Annotated[
    formats.RowFormat,
    typer.Option("--format", help="Format of the rows; `auto` detects it for each row."),
]


def import_rows(
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="JSON lines, or a JSON list or map of rows.")
    ],
    row_format: FormatOption = formats.RowFormat.AUTO,
    strip: StripOption = None,
    source_template: SourceTemplateOption = "",
    git_base: GitBaseOption = "",
    verbose: VerboseOption = False,
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
    """Make TaskInstances from SWE-bench or SWE-Factory rows.

    Every bad row is reported with its line and the reason; the others are imported. Without --out and --apply the
    manifests are printed. Patches over 4 KiB are stored in the registry, where one is given.
    """
    target = manifest_output.OutputTarget(
        out,
        apply,
        clients.cluster_target(namespace, context),
        clients.RegistryTarget(registry, insecure, prefix),
    )
    settings = instance_settings(namespace, registry, template, strategies, experiment)
    summary = RunSummary(verbose)
    row_options = RowOptions(row_format, strip, read_source_template(source_template, git_base))
    asyncio.run(_deliver_rows(_render_rows(file, row_options, settings, summary), target, summary))
    raise typer.Exit(summary.print_summary("instance", output, quiet=target.on_stdout))


async def _deliver_rows(
    items: Iterator[RenderedInstance], target: manifest_output.OutputTarget, summary: RunSummary
) -> None:
    async with manifest_output.open_sink(target) as sink:
        destinations = await manifest_output.deliver(
            items, sink, lambda rendered, reason: summary.reject(rendered.name, reason)
        )
        summary.succeeded.extend(destinations)


def _render_rows(
    file: Path, options: RowOptions, settings: InstanceSettings, summary: RunSummary
) -> Iterator[RenderedInstance]:
    """Instances of the good rows; bad rows are reported to the summary."""
    names: dict[str, str] = {}
    for row in read_rows(file):
        place = f"{file.name}, {row.place}"
        if isinstance(row, BadRow):
            summary.reject(place, row.reason)
            continue
        instance_id = str(row.columns.get("instance_id") or "")
        try:
            rendered = _render_row(row, options, settings, names)
        except (BadColumn, InstanceRejected) as error:
            summary.reject(place, str(error), instance_id)
            continue
        yield rendered
        for warning in formats.row_warnings(row.columns) + long_patch_warnings(rendered):
            summary.add_item_note(f"{place} ({instance_id})", warning)


def _render_row(
    row: Row, options: RowOptions, settings: InstanceSettings, names: dict[str, str]
) -> RenderedInstance:
    detected = formats.detect_format(row.columns)
    if options.format not in (formats.RowFormat.AUTO, detected):
        raise BadColumn(f"this looks like a {detected} row, but --format is {options.format}")
    instance = with_source(formats.read_instance(row.columns, options.strip), options.source_template)
    name = object_name(instance.instance_id)
    if name in names:
        raise InstanceRejected(f"its name {name} is already taken by {names[name]}")
    rendered = render_instance(instance, settings, name)
    names[name] = instance.instance_id
    return rendered
