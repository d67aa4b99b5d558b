"""`swefoundry status`: the funnel, once or live."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from swefoundry.cli import clients, options
from swefoundry.cli import console as screen
from swefoundry.cli.exit_status import ExitStatus
from swefoundry.cli.views.cost_table import cost_table
from swefoundry.cli.views.costs import CostReport, cost_report
from swefoundry.cli.views.progress import (
    FINISHED_PHASES,
    PHASES,
    BatchProgress,
    InstanceProgress,
    batch_progress,
)
from swefoundry.errors import ApiUnavailable, NotFound
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.resources import BUILDS, TASKS

POLL_SECONDS = 2.0
"""Between two looks of --watch. A list every two seconds is cheap for the API server."""
BAR_WIDTH = 32
PHASE_STYLES = {"Validated": "green", "Rejected": "yellow", "Failed": "red"}
STATUS_COLUMNS = ("name", "phase", "verdict", "f2p", "p2p", "strategy", "round", "time", "why")
MAX_REASON_WIDTH = 70


def status(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME", help="Only these; default: all.")
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Stay and show progress until all have finished.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 unless everything shown is validated.")
    ] = False,
    cost: Annotated[
        bool, typer.Option("--cost", help="Also what models cost, per attempted and per valid instance.")
    ] = False,
    selector: Annotated[str, typer.Option("--selector", "-l", help="Label selector.")] = "",
    namespace: options.Namespace = "",
    all_namespaces: options.AllNamespaces = False,
    context: options.Context = None,
    output: screen.OutputOption = screen.OutputFormat.TABLE,
) -> None:
    """Show how far the TaskInstances have come: counts by phase and verdict, and a line for each."""
    place = clients.ClusterTarget(clients.resolve_namespace(namespace, all_namespaces, context), context)
    live = watch and output is screen.OutputFormat.TABLE
    seen = asyncio.run(_fetch_or_watch(place, selector, names or [], watch, live))
    spent = asyncio.run(_fetch_costs(place, selector, names or [])) if cost else None
    if output is screen.OutputFormat.JSON:
        screen.print_json(seen.to_json_dict() | ({"cost": spent.to_json_dict()} if spent else {}))
    elif not live:
        screen.stdout().print(render_progress(seen))
    if spent and output is not screen.OutputFormat.JSON:
        screen.stdout().print(Text(), cost_table(spent))
    raise typer.Exit(ExitStatus.SOME_BAD if check and not seen.all_validated else ExitStatus.OK)


async def _fetch_or_watch(
    place: clients.ClusterTarget, selector: str, names: list[str], watch: bool, live: bool
) -> BatchProgress:
    async with clients.open_cluster(place) as kube:
        seen = await fetch_progress(kube, place.namespace, selector, names)
        if not watch:
            return seen
        looks = _poll_progress(kube, place.namespace, selector, names)
        return await (_show_live(looks) if live else _last_progress(looks))


async def fetch_progress(kube: KubeClient, namespace: str, selector: str, names: list[str]) -> BatchProgress:
    """The funnel as it is now."""
    return batch_progress(await _list_tasks(kube, namespace, selector, names), datetime.now(UTC))


async def _list_tasks(
    kube: KubeClient, namespace: str, selector: str, names: list[str]
) -> list[dict[str, Any]]:
    bodies = [body async for body in kube.list(TASKS, namespace, selector)]
    if not names:
        return bodies
    missing = sorted(set(names) - {body["metadata"]["name"] for body in bodies})
    if missing:
        raise NotFound(f"no TaskInstance {', '.join(missing)} in {namespace or 'any namespace'}")
    return [body for body in bodies if body["metadata"]["name"] in names]


async def _fetch_costs(place: clients.ClusterTarget, selector: str, names: list[str]) -> CostReport:
    """Of what is shown; of EnvBuilds that belong to no TaskInstance only when everything is."""
    async with clients.open_cluster(place) as kube:
        tasks = await _list_tasks(kube, place.namespace, selector, names)
        builds = [body async for body in kube.list(BUILDS, place.namespace)]
    return cost_report(tasks, builds, include_standalone=not selector and not names)


async def _poll_progress(
    kube: KubeClient, namespace: str, selector: str, names: list[str]
) -> AsyncIterator[BatchProgress]:
    """One look after the other until all have finished; an API that is away for a while is waited for."""
    patience = 30
    while True:
        try:
            seen = await fetch_progress(kube, namespace, selector, names)
            patience = 30
        except ApiUnavailable:
            patience -= 1
            if not patience:
                raise
            await asyncio.sleep(POLL_SECONDS)
            continue
        yield seen
        if seen.lines and seen.finished == len(seen.lines):
            return
        await asyncio.sleep(POLL_SECONDS)


async def _last_progress(polls: AsyncIterator[BatchProgress]) -> BatchProgress:
    return [seen async for seen in polls][-1]


async def _show_live(polls: AsyncIterator[BatchProgress]) -> BatchProgress:
    """A picture that changes in place; where stdout is no terminal, a line whenever the counts change."""
    console = screen.stdout()
    seen = BatchProgress(())
    if not console.is_terminal:
        told: dict[str, int] = {}
        async for seen in polls:
            if seen.phases != told:
                told = seen.phases
                console.print(progress_line(seen))
        console.print(render_progress(seen))
        return seen
    with Live(console=console, auto_refresh=False, transient=True) as live:
        async for seen in polls:
            live.update(render_progress(seen, limit=max(5, console.height - len(PHASES) - 6)), refresh=True)
    console.print(render_progress(seen))
    return seen


def progress_line(seen: BatchProgress) -> str:
    counts = ", ".join(f"{count} {phase}" for phase, count in seen.phases.items())
    return f"{seen.finished} of {len(seen.lines)} finished: {counts or 'nothing there'}"


def render_progress(seen: BatchProgress, limit: int | None = None) -> RenderableType:
    """The funnel, the verdicts and the table; with a limit, those at work first."""
    if not seen.lines:
        return Text("No TaskInstances here.")
    lines = seen.lines
    hidden = 0
    if limit is not None and len(lines) > limit:
        lines = tuple(sorted(lines, key=lambda line: line.finished)[:limit])
        hidden = len(seen.lines) - limit
    parts: list[RenderableType] = [*_phase_bars(seen), Text()]
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in seen.verdicts.items())
    parts += [Text(f"Verdicts: {verdicts}"), Text()] if verdicts else []
    parts.append(screen.table(STATUS_COLUMNS, (_row_cells(line) for line in lines)))
    if hidden:
        parts.append(Text(f"… and {hidden} more"))
    return Group(*parts)


def _phase_bars(seen: BatchProgress) -> list[Text]:
    total = len(seen.lines)
    bars = []
    for phase, count in seen.phases.items():
        filled = max(1, round(BAR_WIDTH * count / total))
        style = PHASE_STYLES.get(phase, "cyan")
        bar = Text(f"{phase:<11}{count:>6}  ") + Text("━" * filled, style=style)
        bars.append(bar)
    return [*bars, Text(f"{'finished':<11}{seen.finished:>6}  of {total}")]


def _row_cells(line: InstanceProgress) -> tuple[object, ...]:
    phase = Text(line.phase, style=PHASE_STYLES.get(line.phase, ""))
    why = line.message if line.phase not in ("Validated",) else ""
    if not why and line.phase not in FINISHED_PHASES:
        why = line.reason
    return (
        line.name,
        phase,
        line.verdict,
        line.fail_to_pass,
        line.pass_to_pass,
        line.strategy,
        line.round,
        line.duration,
        " ".join(why.split())[:MAX_REASON_WIDTH],
    )
