"""Readers of single columns, for the different spellings of the same value in data sets.

Nothing is evaluated: lists written as Python source are read with the tokenizer.
"""

import ast
import io
import json
import math
import re
import tokenize
from datetime import UTC, datetime
from typing import Any

MILLISECONDS_FROM = 10**11
"""Epoch numbers from here on are milliseconds: as seconds they would be after the year 5000."""

HASH = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class BadColumn(Exception):
    """The column has an invalid value; the message names the column."""


def text_column(row: dict[str, Any], name: str) -> str:
    """Text of a column; empty when it is absent, null or NaN."""
    value = row.get(name)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadColumn(f"{name}: must be text, not {type(value).__name__}")
    return str(value)


def required_column(row: dict[str, Any], name: str) -> str:
    """Text of a column that must not be empty."""
    value = text_column(row, name).strip()
    if not value:
        raise BadColumn(f"{name}: is required and is {'empty' if name in row else 'missing'}")
    return value


def commit_column(row: dict[str, Any], name: str) -> str:
    """A full commit hash."""
    value = required_column(row, name).lower()
    if not HASH.fullmatch(value):
        raise BadColumn(f"{name}: {value[:60]!r} is not a full commit hash (40 hexadecimal digits)")
    return value


def time_column(row: dict[str, Any], name: str) -> datetime | None:
    """A time: ISO 8601, or epoch seconds or milliseconds as number or text; UTC where no time zone is given."""
    written = text_column(row, name).strip()
    if not written:
        return None
    try:
        if re.fullmatch(r"\d{9,}(\.\d+)?", written):
            number = float(written)
            return datetime.fromtimestamp(number / 1000 if number >= MILLISECONDS_FROM else number, UTC)
        time = datetime.fromisoformat(re.sub(r"\s+(UTC|GMT)$", "Z", written))
    except (ValueError, OverflowError, OSError) as error:
        raise BadColumn(
            f"{name}: {written[:60]!r} is not a time. Write it as 2023-06-01T00:00:00Z."
        ) from error
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def names_column(row: dict[str, Any], *columns: str) -> list[str] | None:
    """Test names from a list, JSON text, or a Python or NumPy literal; None when the row has none of the columns."""
    name = next((column for column in columns if row.get(column) is not None), None)
    if name is None:
        return None
    value = row[name]
    if isinstance(value, str):
        value = _parse_list(name, value)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise BadColumn(f"{name}: must be a list of test names")
    return value


def _parse_list(name: str, written: str) -> object:
    if not written.strip():
        return []
    try:
        return json.loads(written)
    except ValueError:
        return _parse_literal_list(name, written)


BLANK_TOKENS = (tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT)


def _parse_literal_list(name: str, written: str) -> list[str]:
    """Strings of ``['a', 'b']``, or of NumPy's ``['a' 'b']``, which Python would read as the one string ``ab``."""
    strings: list[str] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(written.strip()).readline):
            if token.type == tokenize.STRING:
                strings.append(str(ast.literal_eval(token.string)))
            elif token.type == tokenize.OP and token.string in "[](),":
                continue
            elif token.type not in BLANK_TOKENS:
                raise BadColumn(f"{name}: {token.string[:40]!r} is not allowed in a list of test names")
    except (tokenize.TokenError, SyntaxError, ValueError) as error:
        raise BadColumn(f"{name}: neither JSON nor a Python list: {written[:60]!r}") from error
    return strings
