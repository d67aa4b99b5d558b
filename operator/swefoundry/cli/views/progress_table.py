"""Progress of a batch as a page on a terminal: bars by phase, verdicts, and a table of instances."""

from rich.console import Group, RenderableType
from rich.text import Text

from swefoundry.cli import console
from swefoundry.cli.views.progress import FINISHED_PHASES, BatchProgress, InstanceProgress

BAR_WIDTH = 32
PHASE_STYLES = {"Validated": "green", "Rejected": "yellow", "Failed": "red"}
STATUS_COLUMNS = ("name", "phase", "verdict", "f2p", "p2p", "strategy", "round", "time", "why")
MAX_REASON_WIDTH = 70


def progress_line(progress: BatchProgress) -> str:
    """Progress in one line."""
    counts = ", ".join(f"{count} {phase}" for phase, count in progress.phases.items())
    total, left = len(progress.lines), _time_left(progress)
    return f"{progress.finished} of {total} finished{left}: {counts or 'no TaskInstances'}"


def _time_left(progress: BatchProgress) -> str:
    return "" if progress.seconds_left is None else f", {format_time_left(progress.seconds_left)} left"


def format_time_left(seconds: float) -> str:
    """An estimate in the precision that it has: minutes in fives from ten on, hours and days in halves."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    if minutes < 10:
        return f"about {minutes} min"
    if minutes < 90:
        return f"about {5 * round(minutes / 5)} min"
    if minutes < 36 * 60:
        return f"about {round(minutes / 30) / 2:g} h"
    return f"about {round(minutes / 720) / 2:g} days"


def render_progress(progress: BatchProgress, limit: int | None = None) -> RenderableType:
    """Bars, verdicts and table. With a limit, unfinished instances come first and the rest is counted."""
    if not progress.lines:
        return Text("No TaskInstances here.")
    lines = progress.lines
    if limit is not None and len(lines) > limit:
        lines = tuple(sorted(lines, key=lambda line: line.finished)[:limit])
    hidden = len(progress.lines) - len(lines)
    parts: list[RenderableType] = [*_phase_bars(progress), Text()]
    verdicts = ", ".join(f"{count} {verdict}" for verdict, count in progress.verdicts.items())
    parts += [Text(f"Verdicts: {verdicts}"), Text()] if verdicts else []
    parts.append(console.table(STATUS_COLUMNS, map(_row_cells, lines)))
    parts += [Text(f"… and {hidden} more")] if hidden else []
    return Group(*parts)


def _phase_bars(progress: BatchProgress) -> list[Text]:
    total = len(progress.lines)
    bars = []
    for phase, count in progress.phases.items():
        filled = max(1, round(BAR_WIDTH * count / total))
        bars.append(
            Text(f"{phase:<11}{count:>6}  ") + Text("━" * filled, style=PHASE_STYLES.get(phase, "cyan"))
        )
    return [*bars, Text(f"{'finished':<11}{progress.finished:>6}  of {total}{_time_left(progress)}")]


def _row_cells(line: InstanceProgress) -> tuple[object, ...]:
    return (
        line.name,
        Text(line.phase, style=PHASE_STYLES.get(line.phase, "")),
        line.verdict,
        line.fail_to_pass,
        line.pass_to_pass,
        line.strategy,
        line.round,
        line.duration,
        " ".join(_why(line).split())[:MAX_REASON_WIDTH],
    )


def _why(line: InstanceProgress) -> str:
    """Message of an instance that is not validated; the reason of an unfinished one without a message."""
    if line.phase == "Validated":
        return ""
    return line.message or ("" if line.phase in FINISHED_PHASES else line.reason)
