"""What does an endpoint's refusal mean: ask again, shorten, say it otherwise, or stop? Plain values; the HTTP is in
``endpoint``.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any

from swefoundry.contracts.models import Model

_MAX_QUOTED_CHARACTERS = 600
"""Characters of the endpoint's own words that are quoted: enough for any sentence, too few for an HTML page."""


class ErrorAction(Enum):
    """What to do."""

    RETRY = "ask again later"
    SHRINK = "the context is too small for the request"
    ADAPT = "the request is refused as it is; perhaps it can be said otherwise"
    FAIL = "only a person can help"


@dataclass(frozen=True)
class ApiError:
    """An answer that is none."""

    status: int
    message: str
    code: str = ""
    """The error's code or type, where the endpoint gives one."""
    retry_after: float | None = None
    """Seconds to wait, when the endpoint said so."""

    def describe(self, model: Model) -> str:
        """For people: who said what."""
        words = self.message.rstrip(".") or "nothing more"  # advice follows
        return f"{model.base_url} answered {self.status} for model {model.name}: {words}"


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
    """The class of a complaint."""
    said = f"{error.code} {error.message}"
    if error.status == 429 and _QUOTA_EXHAUSTED.search(said):
        return ErrorAction.FAIL
    if error.status in RETRY_STATUSES or error.status >= 500:
        return ErrorAction.RETRY
    if error.status in (*_INVALID_STATUSES, 413) and (error.status == 413 or _CONTEXT_OVERFLOW.search(said)):
        return ErrorAction.SHRINK
    return ErrorAction.ADAPT if error.status in _INVALID_STATUSES else ErrorAction.FAIL


def error_hint(error: ApiError) -> str:
    """What a person can do."""
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
    """The complaint in an answer of any shape: OpenAI's, vLLM's (flat), a gateway's, or a page of text."""
    said = body.get("error", body) if isinstance(body, Mapping) else body
    if isinstance(said, Mapping):
        words = said.get("message") or said.get("detail") or said.get("msg") or said
        code = said.get("code") or said.get("type") or ""
        param = said.get("param")
        text = f"{words} (parameter {param})" if param and str(param) not in str(words) else str(words)
    else:
        text, code = str(said or ""), ""
    return ApiError(
        status, " ".join(text.split())[:_MAX_QUOTED_CHARACTERS], str(code), retry_after_seconds(headers)
    )


def embedded_status(error: ApiError) -> int:
    """The status that an error inside an answer of 200 stands for: gateways learn of it when they have begun."""
    if error.code.isdigit() and 400 <= int(error.code) <= 599:
        return int(error.code)
    return 400 if re.search("invalid|context", error.code) else 500


def retry_after_seconds(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds that the endpoint wants us to wait: Retry-After in seconds or as a date, or retry-after-ms."""
    milliseconds = _parse_number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    said = headers.get("retry-after")
    seconds = _parse_number(said)
    if seconds is not None or not said:
        return seconds
    try:
        return max(0.0, (parsedate_to_datetime(said) - (now or datetime.now(UTC))).total_seconds())
    except (ValueError, TypeError):
        return None


def _parse_number(text: str | None) -> float | None:
    """A finite number that is not negative."""
    return float(text) if text and re.fullmatch(r"\d{1,9}(\.\d{1,6})?", text.strip()) else None
