"""Costs as tables on a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from swefoundry.cli import console
from swefoundry.cli.views.costs import CostReport, CostSum, InstanceCost
from swefoundry.contracts.models import MICRO, Usage

TOKEN_COLUMNS = ("turns", "tokens in", "cached", "tokens out", "usd")
SUM_COLUMNS = ("cost of", "attempted", "valid", *TOKEN_COLUMNS, "usd/attempted", "usd/valid", "pod time")
INSTANCE_COLUMNS = ("name", "phase", "strategy", "rounds", *TOKEN_COLUMNS, "experiment")


def cost_table(costs: CostReport) -> RenderableType:
    """Sums, then the instances that used models, the most expensive first."""
    rows = [_sum_row(costs.total)]
    rows += [_sum_row(each, "  experiment ") for each in costs.by_experiment]
    rows += [_sum_row(each, "  environment by ") for each in costs.by_strategy]
    rows += [_sum_row(costs.total_standalone)] if costs.standalone else []
    with_usage = sorted(
        (each for each in (*costs.instances, *costs.standalone) if each.usage.turns),
        key=lambda each: (-each.usage.micro_usd, -each.usage.tokens, each.name),
    )
    parts: list[RenderableType] = [console.table(SUM_COLUMNS, rows)]
    if with_usage:
        parts += [Text(), console.table(INSTANCE_COLUMNS, map(_instance_row, with_usage))]
    without_usage = len(costs.instances) + len(costs.standalone) - len(with_usage)
    parts += [Text(f"\n{without_usage} asked no model.")] if without_usage else []
    return Group(*parts)


def _sum_row(each: CostSum, title: str = "") -> tuple[object, ...]:
    return (
        f"{title}{each.name}",
        each.attempted,
        each.valid,
        *_usage_cells(each.usage),
        _usd_text(each.per_attempted),
        _usd_text(each.per_valid),
        _duration_text(each.pod_seconds),
    )


def _instance_row(each: InstanceCost) -> tuple[object, ...]:
    usage = _usage_cells(each.usage)
    return (each.name, each.phase, each.strategy, each.rounds, *usage, each.experiment)


def _usage_cells(usage: Usage) -> tuple[str, ...]:
    counts = (usage.turns, usage.input_tokens, usage.cached_tokens, usage.output_tokens)
    return (*(f"{count:,}" for count in counts), _usd_text(usage.micro_usd / MICRO))


def _usd_text(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:,.4f}"


def _duration_text(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m"
