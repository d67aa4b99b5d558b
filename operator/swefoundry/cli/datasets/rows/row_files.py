"""Reader of data set files: JSON lines, a JSON list, or a JSON object of rows by id.

A row that cannot be read is returned as a value with its place and the reason, and reading continues.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Row:
    """One row of the file."""

    place: str
    """``line 12`` or ``row 3``."""
    columns: dict[str, Any]


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read."""

    place: str
    reason: str
    instance_id: str = ""


def read_rows(path: Path) -> Iterator[Row | BadRow]:
    """Every row of the file; raises ``OSError`` when the file cannot be read."""
    with path.open("rb") as file:
        head = file.read(4096).removeprefix(BOM).lstrip()
    if head.startswith(b"PAR1"):
        yield BadRow("line 1", "this is a Parquet file. Convert it to JSON lines first.")
    elif head.startswith(b"[") or _is_single_object(path, head):
        yield from _rows_of_document(path)
    else:
        yield from _rows_of_lines(path)


def _is_single_object(path: Path, head: bytes) -> bool:
    """Whether the file is one JSON object: a row over several lines, or a map of rows."""
    if not head.startswith(b"{"):
        return False
    with path.open("rb") as file:
        first = file.readline().rstrip()
        more = any(line.strip() for line in file)
    if more:
        return not first.endswith(b"}")
    return "instance_id" not in (_json_object(first) or {"instance_id": ""})


def _json_object(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line.removeprefix(BOM))
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _rows_of_lines(path: Path) -> Iterator[Row | BadRow]:
    # Only \n ends a line: str.splitlines would also split at U+2028, which JSON strings may contain unescaped.
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.removeprefix(BOM).strip():
                yield _read_row(f"line {number}", line.removeprefix(BOM))


def _read_row(place: str, text: bytes) -> Row | BadRow:
    try:
        value = json.loads(text)
    except UnicodeDecodeError as error:
        return BadRow(place, f"not UTF-8: {error.reason} at byte {error.start}")
    except ValueError as error:
        return BadRow(place, f"not JSON: {error}")
    return _checked_row(place, value)


def _rows_of_document(path: Path) -> Iterator[Row | BadRow]:
    try:
        document = json.loads(path.read_bytes().removeprefix(BOM))
    except ValueError as error:
        yield BadRow("the file", f"not JSON: {error}")
        return
    if isinstance(document, dict) and "instance_id" not in document:
        for key, value in document.items():
            named = {"instance_id": key, **value} if isinstance(value, dict) else value
            yield _checked_row(f"row {key!r}", named)
        return
    for number, value in enumerate(document if isinstance(document, list) else [document], 1):
        yield _checked_row(f"row {number}", value)


def _checked_row(place: str, value: object) -> Row | BadRow:
    if not isinstance(value, dict):
        return BadRow(place, f"a row is a JSON object, not {type(value).__name__}")
    return Row(place, value)
