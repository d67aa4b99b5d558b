"""How results are shown: tables for people, JSON for programs; remarks go to stderr."""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text


class OutputFormat(StrEnum):
    """What stdout is for."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[OutputFormat, typer.Option("--output", "-o", help="How results are printed.")]


CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""All but tab and line end: escapes colour, move and retitle; marks of direction reorder what is read."""
PIPE_WIDTH = 200
"""Columns where nobody looks at a terminal: a log file should not wrap."""


def stdout() -> Console:
    """Made at each use, because tests and pipes replace sys.stdout."""
    return _console(sys.stdout)


def stderr() -> Console:
    return _console(sys.stderr)


def _console(file: IO[str]) -> Console:
    return Console(file=file, highlight=False, soft_wrap=True, width=None if file.isatty() else PIPE_WIDTH)


def print_note(text: str, style: str = "") -> None:
    """One line on stderr; the text is shown as it is, brackets included."""
    stderr().print(Text(text, style=style))


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def strip_control_chars(text: str) -> str:
    """Without control characters: what repositories, logs and models say must not steer the terminal."""
    return CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A plain table in the manner of kubectl."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in columns:
        last = column == columns[-1]
        made.add_column(column.upper(), overflow="fold" if last else "ellipsis", no_wrap=not last)
    for row in rows:
        made.add_row(*(_cell(cell) for cell in row))
    return made


def _cell(value: object) -> Text:
    """Never markup: messages are full of brackets."""
    return (
        value if isinstance(value, Text) else Text("" if value is None else strip_control_chars(str(value)))
    )
