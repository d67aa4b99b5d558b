"""`swefoundry export`: validated instances as a data set."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO, Annotated, Any

import typer

from swefoundry.cli import clients, console, options
from swefoundry.cli.api_objects import KubernetesObject, namespaced_name, status_of
from swefoundry.cli.datasets.rows.exported import (
    ExportPolicy,
    NotExportable,
    swe_bench_row,
    swe_factory_status,
)
from swefoundry.cli.datasets.rows.row_reader import RowReader
from swefoundry.cli.output_file import open_output
from swefoundry.cli.summary import RunSummary
from swefoundry.cli.views.progress import FINISHED_PHASES
from swefoundry.contracts.controls import ControlName
from swefoundry.errors import PermanentError
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import TASKS

CONCURRENT_ROWS = 8


class ExportFormat(StrEnum):
    """Format of the exported file."""

    SWE_BENCH = "swe-bench"
    SWE_FACTORY_STATUS = "swe-factory-status"


IncludeLeaks = Annotated[
    bool, typer.Option("--include-leaks", help="Include rows whose image shows the solution (LeakFound).")
]


def export(
    export_format: Annotated[
        ExportFormat, typer.Option("--format", help="Format of the file.")
    ] = ExportFormat.SWE_BENCH,
    out: options.OutFile = None,
    verdict: Annotated[
        list[str] | None,
        typer.Option("--verdict", help="Verdict that becomes rows; may be repeated. Default: fail2pass."),
    ] = None,
    allow_empty: Annotated[
        bool, typer.Option("--allow-empty", help="Include rows whose FAIL_TO_PASS is empty.")
    ] = False,
    count_error_to_pass: Annotated[
        bool,
        typer.Option(
            "--count-error-to-pass",
            help="Count tests of files that cannot be collected without the fix as FAIL_TO_PASS; "
            "default: they are in ERROR_TO_PASS, a column of their own.",
        ),
    ] = False,
    require_control: Annotated[
        list[ControlName] | None,
        typer.Option(
            "--require-control", help="Control that must have passed, such as NullPatch; may be repeated."
        ),
    ] = None,
    include_leaks: IncludeLeaks = False,
    selector: options.Selector = "",
    namespace: options.Namespace = "",
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
    registry: options.RegistryHost = "",
    insecure: options.Insecure = False,
    prefix: options.Prefix = options.DEFAULT_PREFIX,
) -> None:
    """Write the validated instances as SWE-bench rows (JSON lines), or all verdicts as SWE-Factory's status file.

    The sets of tests come from the verdict bundles in the registry; rows name the image and the evidence by digest.
    """
    run = ExportRun(
        cluster=clients.cluster_target(namespace, context, all_namespaces),
        registry=clients.RegistryTarget(registry, insecure, prefix),
        selector=selector,
        verdicts=frozenset(verdict or ["fail2pass"]),
        policy=ExportPolicy(allow_empty, count_error_to_pass, require_control or (), include_leaks),
    )
    write = _write_rows if export_format is ExportFormat.SWE_BENCH else _write_swe_factory_status
    with open_output(out) as target:
        asyncio.run(_export(run, write, target))
    raise typer.Exit(run.summary.print_summary("row", console.OutputFormat.TABLE))


@dataclass(frozen=True)
class ExportRun:
    """Which instances become rows, and the result so far."""

    cluster: clients.ClusterTarget
    registry: clients.RegistryTarget
    selector: str
    verdicts: frozenset[str]
    policy: ExportPolicy
    summary: RunSummary = field(default_factory=RunSummary)


RowWriter = Callable[[KubeClient, Sequence[KubernetesObject], ExportRun, IO[str]], Awaitable[None]]


async def _export(run: ExportRun, write: RowWriter, target: IO[str]) -> None:
    async with clients.open_cluster(run.cluster) as kube:
        tasks = [body async for body in kube.list(TASKS, run.cluster.namespace, run.selector)]
        await write(kube, sorted(tasks, key=namespaced_name), run, target)


async def _write_swe_factory_status(
    _: KubeClient, tasks: Sequence[KubernetesObject], run: ExportRun, target: IO[str]
) -> None:
    finished = [task for task in tasks if status_of(task).get("phase") in FINISHED_PHASES]
    unfinished = len(tasks) - len(finished)
    if unfinished:
        run.summary.add_note(f"{unfinished} have not finished and are not in the file")
    run.summary.succeeded.extend(task["metadata"]["name"] for task in finished)
    verdicts = [(task["spec"]["instanceId"], status_of(task).get("verdict")) for task in finished]
    json.dump(swe_factory_status(verdicts), target, indent=2)
    target.write("\n")


async def _write_rows(
    kube: KubeClient, tasks: Sequence[KubernetesObject], run: ExportRun, target: IO[str]
) -> None:
    async for name, row in _read_rows(kube, tasks, run):
        # ASCII, because many readers of JSON lines break at a bare U+2028 or a lone surrogate.
        target.write(json.dumps(row, ensure_ascii=True) + "\n")
        run.summary.succeeded.append(name)


async def _read_rows(
    kube: KubeClient, tasks: Sequence[KubernetesObject], run: ExportRun
) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    chosen = [task for task in tasks if status_of(task).get("verdict") in run.verdicts]
    async with AsyncExitStack() as stack:
        reader = RowReader(kube, run.registry, stack)
        for start in range(0, len(chosen), CONCURRENT_ROWS):
            batch = chosen[start : start + CONCURRENT_ROWS]
            rows = await asyncio.gather(*(_read_row(reader, task, run) for task in batch))
            for task, row in zip(batch, rows, strict=True):
                if row is not None:
                    yield task["metadata"]["name"], row


async def _read_row(reader: RowReader, task: KubernetesObject, run: ExportRun) -> dict[str, Any] | None:
    """The row; None for one that was rejected."""
    try:
        return swe_bench_row(await reader.read(task), run.policy)
    except (NotExportable, PermanentError, KeyError, ValueError) as error:
        name = task["metadata"]["name"]
        run.summary.reject(name, str(error) or type(error).__name__, task["spec"]["instanceId"])
        return None
