"""`swefoundry status`: progress of the TaskInstances, once or live."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.live import Live
from rich.text import Text

from swefoundry.cli import clients, console, options
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.cli.views.cost_table import cost_table
from swefoundry.cli.views.costs import CostReport, cost_report
from swefoundry.cli.views.progress import PHASES, BatchProgress, batch_progress
from swefoundry.cli.views.progress_table import progress_line, render_progress
from swefoundry.errors import ApiUnavailable, NotFound
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, TASKS

POLL_SECONDS = 2.0
"""Between two requests of --watch. A list every two seconds is cheap for the API server."""
MAX_FAILED_POLLS = 30
"""Consecutive polls without an answer after which --watch gives up: a minute."""


def status(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="TaskInstances to show; default: all.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show progress until all have finished.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 unless everything shown is validated.")
    ] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Show also what models cost, per attempted and per valid instance.")
    ] = False,
    selector: options.Selector = "",
    namespace: options.Namespace = "",
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
    output: console.OutputOption = console.OutputFormat.TABLE,
) -> None:
    """Show the progress of the TaskInstances: counts by phase and verdict, and a line for each."""
    query = TaskQuery(
        clients.cluster_target(namespace, context, all_namespaces), selector, frozenset(names or ())
    )
    as_json = output is console.OutputFormat.JSON
    progress = asyncio.run(_fetch_or_watch(query, watch, live=watch and not as_json))
    costs = asyncio.run(_fetch_costs(query)) if cost else None
    if as_json:
        console.print_json(progress.to_json_dict() | ({"cost": costs.to_json_dict()} if costs else {}))
    else:
        _print_tables(None if watch else progress, costs)
    raise typer.Exit(ExitStatus.SOME_REJECTED if check and not progress.all_validated else ExitStatus.OK)


@dataclass(frozen=True)
class TaskQuery:
    """Which TaskInstances the command is about."""

    target: clients.ClusterTarget
    selector: str
    names: frozenset[str]
    """Empty for all."""

    async def list(self, kube: KubeClient) -> list[dict[str, Any]]:
        """The TaskInstances; NotFound when one that is named does not exist."""
        bodies = [body async for body in kube.list(TASKS, self.target.namespace, self.selector)]
        missing = sorted(self.names - {body["metadata"]["name"] for body in bodies})
        if missing:
            raise NotFound(
                f"no TaskInstance {', '.join(missing)} in {self.target.namespace or 'any namespace'}"
            )
        return [body for body in bodies if not self.names or body["metadata"]["name"] in self.names]

    async def progress(self, kube: KubeClient) -> BatchProgress:
        """Their progress at this moment."""
        return batch_progress(await self.list(kube), datetime.now(UTC))


def _print_tables(progress: BatchProgress | None, costs: CostReport | None) -> None:
    """Print what --watch has not printed yet."""
    terminal = console.stdout()
    if progress:
        terminal.print(render_progress(progress))
    if costs:
        terminal.print(Text(), cost_table(costs))


async def _fetch_or_watch(query: TaskQuery, watch: bool, live: bool) -> BatchProgress:
    async with clients.open_cluster(query.target) as kube:
        # The first request is not repeated: a wrong name or an unreachable cluster ends the command at once.
        progress = await query.progress(kube)
        if not watch:
            return progress
        polls = _poll_progress(kube, query)
        return await (_show_live(polls) if live else _last_progress(polls))


async def _fetch_costs(query: TaskQuery) -> CostReport:
    """Costs of what is shown; EnvBuilds without a TaskInstance are included when everything is shown."""
    async with clients.open_cluster(query.target) as kube:
        tasks = await query.list(kube)
        builds = [body async for body in kube.list(BUILDS, query.target.namespace)]
    return cost_report(tasks, builds, include_standalone=not query.selector and not query.names)


async def _poll_progress(kube: KubeClient, query: TaskQuery) -> AsyncIterator[BatchProgress]:
    """Progress again and again until all have finished; short outages of the API are waited out."""
    failures = 0
    while True:
        try:
            progress = await query.progress(kube)
            failures = 0
            yield progress
            if progress.lines and progress.finished == len(progress.lines):
                return
        except ApiUnavailable:
            failures += 1
            if failures == MAX_FAILED_POLLS:
                raise
        await asyncio.sleep(POLL_SECONDS)


async def _last_progress(polls: AsyncIterator[BatchProgress]) -> BatchProgress:
    return [progress async for progress in polls][-1]


async def _show_live(polls: AsyncIterator[BatchProgress]) -> BatchProgress:
    """A table that changes in place; where stdout is no terminal, a line whenever the counts change."""
    terminal = console.stdout()
    progress = BatchProgress(())
    if not terminal.is_terminal:
        printed: dict[str, int] = {}
        async for progress in polls:
            if progress.phases != printed:
                printed = progress.phases
                terminal.print(progress_line(progress))
    else:
        with Live(console=terminal, auto_refresh=False, transient=True) as live:
            async for progress in polls:
                limit = max(5, terminal.height - len(PHASES) - 6)
                live.update(render_progress(progress, limit=limit), refresh=True)
    terminal.print(render_progress(progress))
    return progress
