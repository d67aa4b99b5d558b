"""A transcript for people, like a chat: round by round, with the cost of each turn. Pure."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from rich.console import Group, RenderableType
from rich.rule import Rule
from rich.text import Text

from swefoundry.cli.console import strip_control_chars
from swefoundry.contracts.models import MICRO, Usage
from swefoundry.contracts.transcript import Transcript, TranscriptMessage, Turn
from swefoundry.text.plurals import ordinal, pluralize

HEAD_LINES = 24
TAIL_LINES = 8
"""Lines kept of a long message: its start says what it is, and its end is what the model read last."""
ROLE_STYLES = {"system": "dim", "user": "", "assistant": "green", "tool": "cyan"}


@dataclass(frozen=True)
class TurnFilter:
    """Which turns are shown, and how much of each message."""

    role: str | None = None
    round: int | None = None
    full: bool = False

    def select(self, transcript: Transcript) -> list[Turn]:
        """Selected turns, oldest first."""
        return [
            turn
            for turn in sorted(transcript.turns, key=lambda turn: turn.number)
            if self.role in (None, turn.role) and self.round in (None, turn.round)
        ]


def render_transcript(name: str, transcript: Transcript, turn_filter: TurnFilter) -> RenderableType:
    """Selected turns, grouped by round, below a line with their total."""
    turns = turn_filter.select(transcript)
    shown = f"{len(turns)} of " if len(turns) < len(transcript.turns) else ""
    shown += pluralize(len(transcript.turns), "turn")
    total = Transcript(conversation=transcript.conversation, turns=turns).usage
    parts: list[RenderableType] = [Text(f"{name}: {shown}, {usage_text(total)}", style="bold")]
    for number, of_round in groupby(turns, key=lambda turn: turn.round):
        parts += [Text(), Rule(f"round {ordinal(number)}", align="left", style="cyan")]
        for turn in of_round:
            parts += _turn_lines(turn, turn_filter.full)
    return Group(*parts)


def usage_text(usage: Usage) -> str:
    """Tokens and cost of one or more turns as text."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return (
        f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out, {usd_text(usage.micro_usd)}"
    )


def usd_text(micro_usd: int) -> str:
    """Dollars with two digits; amounts below a dollar with up to six."""
    amount = micro_usd / MICRO
    return f"${amount:,.2f}" if amount >= 1 or not micro_usd else f"${amount:.6f}".rstrip("0")


def _turn_lines(turn: Turn, full: bool) -> Iterator[RenderableType]:
    line = Text(f"\n#{turn.number} {turn.role}", style="bold")
    line.append(f"  {strip_control_chars(turn.model)}  {usage_text(turn.usage)}", style="not bold dim")
    if turn.stored:
        line.append("  paid for earlier", style="not bold dim")
    yield line
    if turn.note:
        yield Text(f"  {strip_control_chars(turn.note)}", style="yellow")
    for message in (*turn.request, turn.reply):
        yield from _message_lines(message, full)


def _message_lines(message: TranscriptMessage, full: bool) -> Iterator[Text]:
    style = ROLE_STYLES[message.role]
    answered_call = f" to {strip_control_chars(message.call_id)}" if message.call_id else ""
    yield Text(f"  {message.role}{answered_call}", style=f"{style} italic".strip())
    text = _pretty_json(message.text) if message.role == "assistant" else message.text
    for text_line in shorten(strip_control_chars(text).splitlines(), full):
        yield Text("  │ ", style="dim").append(text_line, style=style)
    for call in message.calls:
        line = Text("  │ ", style="dim").append(f"→ {strip_control_chars(call.name)} ", style="magenta")
        yield line.append(strip_control_chars(call.arguments))


def _pretty_json(text: str) -> str:
    """An answer that is a JSON object with one field per line, because drafts are long."""
    try:
        answer = json.loads(text)
    except ValueError:
        return text
    if not isinstance(answer, dict):
        return text
    return "\n".join(_json_field(key, value) for key, value in answer.items())


def _json_field(key: str, value: object) -> str:
    if isinstance(value, str) and "\n" in value:
        return "\n".join([f"{key}:", *(f"    {line}" for line in value.splitlines())])
    return f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def shorten(lines: list[str], full: bool) -> Iterable[str]:
    """Head and tail of a long message, with the number of lines between them."""
    left_out = len(lines) - HEAD_LINES - TAIL_LINES
    if full or left_out <= 1:
        return lines
    return [*lines[:HEAD_LINES], f"… {left_out} lines; use --full to show them", *lines[-TAIL_LINES:]]
