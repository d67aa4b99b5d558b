"""Printing of results: tables for people and JSON for programs on stdout, notes on stderr."""

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
    """Format of the results on stdout."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[OutputFormat, typer.Option("--output", "-o", help="Format of the results.")]


CONTROL_CHARACTERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""All control characters but tab and line feed: escape sequences can recolour, move the cursor and set the title, and
bidirectional marks reorder the text."""
PIPE_WIDTH = 200
"""Width in columns when the output is not a terminal: lines in a log file should not wrap."""


def stdout() -> Console:
    """A console on the current sys.stdout, which tests replace."""
    return _console(sys.stdout)


def stderr() -> Console:
    return _console(sys.stderr)


def _console(file: IO[str]) -> Console:
    return Console(file=file, highlight=False, soft_wrap=True, width=None if file.isatty() else PIPE_WIDTH)


def print_note(text: str, style: str = "") -> None:
    """Print one line on stderr, without interpreting rich markup in it."""
    stderr().print(Text(text, style=style))


def print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def strip_control_chars(text: str) -> str:
    """Replace control characters, so that text from repositories, logs and models cannot control the terminal."""
    return CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """A table without borders, as kubectl prints it."""
    result = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 3, 0, 0))
    for column in columns:
        last = column == columns[-1]
        result.add_column(column.upper(), overflow="fold" if last else "ellipsis", no_wrap=not last)
    for row in rows:
        result.add_row(*(_cell(cell) for cell in row))
    return result


def _cell(value: object) -> Text:
    """Text without markup: messages contain brackets."""
    if isinstance(value, Text):
        return value
    return Text("" if value is None else strip_control_chars(str(value)))
