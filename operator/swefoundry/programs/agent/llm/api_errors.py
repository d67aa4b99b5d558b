"""Parses error responses of an endpoint and classifies them: retry, shorten, adapt or fail. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

_MAX_QUOTED_CHARACTERS = 600
"""Of the endpoint's own message: enough for any sentence, too few for an HTML page."""


class ErrorAction(Enum):
    """What the client does about an error."""

    RETRY = "retry later"
    SHRINK = "shorten the request: it exceeds the model's context window"
    ADAPT = "leave out what the endpoint does not support"
    FAIL = "only a person can help"


@dataclass(frozen=True)
class ApiError:
    """An error response."""

    status: int
    message: str
    code: str = ""
    """The error's code or type, where the endpoint gives one."""
    retry_after: float | None = None
    """Seconds to wait, where the endpoint gives them."""

    def describe(self, base_url: str, model_name: str) -> str:
        """A sentence with the endpoint, the status and the endpoint's own message."""
        message = self.message.rstrip(".") or "nothing more"  # a hint follows
        return f"{base_url} answered {self.status} for model {model_name}: {message}"


_CONTEXT_OVERFLOW = re.compile(
    r"context_length_exceeded|context length|context window|maximum context|input_tokens|prompt is too long"
    r"|too many tokens|reduce the length|exceeds? the (?:available )?context|string_above_max_length",
    re.IGNORECASE,
)
"""OpenAI gives a code; vLLM, llama.cpp and gateways give sentences: https://github.com/vllm-project/vllm/pull/37011"""

_QUOTA_EXHAUSTED = re.compile(r"insufficient_quota|billing|exceeded your current quota|credit", re.IGNORECASE)
"""A 429 that waiting does not cure."""

RETRY_STATUSES = frozenset({408, 409, 425, 429})
_INVALID_STATUSES = frozenset({400, 422})


def action_for(error: ApiError) -> ErrorAction:
    """Classify an error."""
    text = f"{error.code} {error.message}"
    if error.status == 429 and _QUOTA_EXHAUSTED.search(text):
        return ErrorAction.FAIL
    if error.status in RETRY_STATUSES or error.status >= 500:
        return ErrorAction.RETRY
    if error.status in (*_INVALID_STATUSES, 413) and (error.status == 413 or _CONTEXT_OVERFLOW.search(text)):
        return ErrorAction.SHRINK
    return ErrorAction.ADAPT if error.status in _INVALID_STATUSES else ErrorAction.FAIL


def error_hint(error: ApiError) -> str:
    """What a person can do about an error of class FAIL."""
    if error.status == 401:
        return "check the API key in the Secret that the chart's value agents.secret names"
    if error.status == 403:
        return "check that the API key may use this model"
    if error.status in (402, 429):
        return "the account has no money or quota left: top it up, or use another key"
    if error.status == 404:
        return "check the model's name and baseUrl"
    if 300 <= error.status < 400:
        return "baseUrl must be the address that the endpoint redirects to"
    return "check the model's settings against what the endpoint takes"


def parse_api_error(status: int, headers: Mapping[str, str], body: Any) -> ApiError:
    """Parse an error response of any shape: OpenAI's, vLLM's (flat), a gateway's, or a page of text."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(error, Mapping):
        message = str(error.get("message") or error.get("detail") or error.get("msg") or error)
        code = error.get("code") or error.get("type") or ""
        param = error.get("param")
        if param and str(param) not in message:
            message = f"{message} (parameter {param})"
    else:
        message, code = str(error or ""), ""
    quoted = " ".join(message.split())[:_MAX_QUOTED_CHARACTERS]
    return ApiError(status, quoted, str(code), retry_after_seconds(headers))


def embedded_status(error: ApiError) -> int:
    """The status of an error inside a response with status 200: gateways may fail after they sent the headers."""
    if error.code.isdigit() and 400 <= int(error.code) <= 599:
        return int(error.code)
    return 400 if re.search("invalid|context", error.code) else 500


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds to wait, by the headers Retry-After (seconds or a date) or retry-after-ms."""
    milliseconds = _parse_number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    retry_after = headers.get("retry-after")
    seconds = _parse_number(retry_after)
    if seconds is not None or not retry_after:
        return seconds
    try:
        until = parsedate_to_datetime(retry_after)
        return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError):
        return None


def _parse_number(text: str | None) -> float | None:
    """A finite number that is not negative."""
    return float(text) if text and re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text.strip()) else None
