"""A transcript as people read it: like a chat, round by round, with what each turn cost. Pure."""

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
"""Of a long message: the start says what it is, the end is what the model had read last."""
ROLE_STYLES = {"system": "dim", "user": "", "assistant": "green", "tool": "cyan"}


@dataclass(frozen=True)
class TurnFilter:
    """Which turns are shown, and how much of each message."""

    role: str | None = None
    round: int | None = None
    full: bool = False

    def select(self, transcript: Transcript) -> list[Turn]:
        """The turns that are wanted, oldest first."""
        return [
            turn
            for turn in sorted(transcript.turns, key=lambda turn: turn.number)
            if self.role in (None, turn.role) and self.round in (None, turn.round)
        ]


def render_transcript(name: str, transcript: Transcript, turn_filter: TurnFilter) -> RenderableType:
    """All of it."""
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
    """Tokens and money of a turn or of many, in words."""
    cached = f" ({usage.cached_tokens:,} cached)" if usage.cached_tokens else ""
    return (
        f"{usage.input_tokens:,} tokens in{cached}, {usage.output_tokens:,} out, {usd_text(usage.micro_usd)}"
    )


def usd_text(micro_usd: int) -> str:
    """Two digits say enough of dollars; below a cent, all of the millionths."""
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
    for said in (*turn.request, turn.reply):
        yield from _message_lines(said, full)


def _message_lines(message: TranscriptMessage, full: bool) -> Iterator[Text]:
    style = ROLE_STYLES[message.role]
    answers = f" to {strip_control_chars(message.call_id)}" if message.call_id else ""
    yield Text(f"  {message.role}{answers}", style=f"{style} italic".strip())
    text = _pretty_json(message.text) if message.role == "assistant" else message.text
    for line in shorten(strip_control_chars(text).splitlines(), full):
        yield Text("  │ ", style="dim").append(line, style=style)
    for call in message.calls:
        wants = Text("  │ ", style="dim").append(f"→ {strip_control_chars(call.name)} ", style="magenta")
        yield wants.append(strip_control_chars(call.arguments))


def _pretty_json(text: str) -> str:
    """An answer that is a JSON object, a field a line: drafts are long."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    if not isinstance(found, dict):
        return text
    return "\n".join(_json_field(key, value) for key, value in found.items())


def _json_field(key: str, value: object) -> str:
    if isinstance(value, str) and "\n" in value:
        return "\n".join([f"{key}:", *(f"    {line}" for line in value.splitlines())])
    return f"{key}: {value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"


def shorten(lines: list[str], full: bool) -> Iterable[str]:
    """Head and tail of a long message, with a word on what is left out."""
    left_out = len(lines) - HEAD_LINES - TAIL_LINES
    if full or left_out <= 1:
        return lines
    return [*lines[:HEAD_LINES], f"… {left_out} lines; --full shows them", *lines[-TAIL_LINES:]]
