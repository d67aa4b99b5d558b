"""Structured log records, one per line: `key=value` (logfmt) or JSON.

Messages of pods, registries and repositories end up in fields. Whatever they hold, a record stays one line and a field
stays one field: control characters, line separators and characters that change the direction of text are escaped.
"""

import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

LogFormat = Literal["text", "json"]

MAX_VALUE_CHARACTERS = 2000
"""Longer texts are cut: a status message has at most so many characters, and the whole log is in the evidence."""

MAX_TRACEBACK_CHARACTERS = 20_000

THIRD_PARTY = ("kopf", "httpx", "aiohttp.access")
"""Loggers that write a line per request or event at INFO."""


class Named(Protocol):
    """An object of the cluster, or its key."""

    @property
    def kind(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...


def configure_logging(level: str, log_format: LogFormat) -> None:
    """Write records of ``level`` and above to stderr."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in THIRD_PARTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def fields(about: Named | None = None, **values: object) -> dict[str, Any]:
    """``extra`` of a log call: the object that the record is about, and further fields. None and "" are left out."""
    identity = {"kind": about.kind, "namespace": about.namespace, "name": about.name} if about else {}
    return {
        "fields": {key: value for key, value in {**identity, **values}.items() if value not in (None, "")}
    }


class TextFormatter(logging.Formatter):
    """`time=… level=… logger=… msg=… key=value …`, as Go's slog and many log collectors write and read it."""

    def format(self, record: logging.LogRecord) -> str:
        return " ".join(f"{key}={_text(value)}" for key, value in _record_fields(record).items())


class JsonFormatter(logging.Formatter):
    """The same fields as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        return json.dumps(_record_fields(record), default=str)


def _record_fields(record: logging.LogRecord) -> dict[str, object]:
    extra: Mapping[str, object] = getattr(record, "fields", {})
    time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
    found: dict[str, object] = {
        "time": time.replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "msg": _cut(record.getMessage()),
    }
    found |= {key: _cut(value) for key, value in extra.items() if key not in found}
    if record.exc_info:
        found["traceback"] = logging.Formatter().formatException(record.exc_info)[-MAX_TRACEBACK_CHARACTERS:]
    return found


def _cut(value: object) -> object:
    if isinstance(value, str) and len(value) > MAX_VALUE_CHARACTERS:
        return f"{value[:MAX_VALUE_CHARACTERS]}…"
    return value


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value if isinstance(value, str) else _json(value) if isinstance(value, list | dict) else str(value)
    if text and text.isprintable() and not set(text) & {" ", "=", '"'}:
        return text
    return _quoted(text)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), default=str)


def _quoted(text: str) -> str:
    """A JSON string whose printable characters stay as they are."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in quoted)
