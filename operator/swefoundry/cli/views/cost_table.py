"""The costs as tables on a terminal."""

from rich.console import Group, RenderableType
from rich.text import Text

from swefoundry.cli import console
from swefoundry.cli.views.costs import Costs, Spending, Sum
from swefoundry.contracts.models import MICRO, Usage

TOKENS = ("turns", "tokens in", "cached", "tokens out", "usd")
SUMS = ("cost of", "attempted", "valid", *TOKENS, "usd/attempted", "usd/valid", "pod time")
LINES = ("name", "phase", "strategy", "rounds", *TOKENS, "experiment")


def bill(found: Costs) -> RenderableType:
    """The sums, then the instances that asked models, dearest first."""
    rows = [_sum(found.total)]
    rows += [_sum(each, "  experiment ") for each in found.by_experiment]
    rows += [_sum(each, "  environment by ") for each in found.by_strategy]
    rows += [_sum(found.total_alone)] if found.alone else []
    asked = sorted(
        (each for each in (*found.instances, *found.alone) if each.usage.turns),
        key=lambda each: (-each.usage.micro_usd, -each.usage.tokens, each.name),
    )
    parts: list[RenderableType] = [console.table(SUMS, rows)]
    if asked:
        parts += [Text(), console.table(LINES, map(_line, asked))]
    quiet = len(found.instances) + len(found.alone) - len(asked)
    parts += [Text(f"\n{quiet} asked no model.")] if quiet else []
    return Group(*parts)


def _sum(each: Sum, title: str = "") -> tuple[object, ...]:
    return (
        f"{title}{each.name}",
        each.attempted,
        each.valid,
        *_tokens(each.usage),
        _usd(each.per_attempted),
        _usd(each.per_valid),
        _hours(each.pod_seconds),
    )


def _line(each: Spending) -> tuple[object, ...]:
    used = _tokens(each.usage)
    return (each.name, each.phase, each.strategy, each.rounds, *used, each.experiment)


def _tokens(usage: Usage) -> tuple[str, ...]:
    counts = (usage.turns, usage.input_tokens, usage.cached_tokens, usage.output_tokens)
    return (*(f"{count:,}" for count in counts), _usd(usage.micro_usd / MICRO))


def _usd(amount: float | None) -> str:
    return "-" if amount is None else f"{amount:,.4f}"


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60}h{minutes % 60:02}m" if minutes >= 60 else f"{minutes}m"
