"""Requests to a registry and the errors that its answers mean; the HTTP is in ``registry_client``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.errors import NotFound, RegistryRefused, RegistryUnavailable

RETRY_SECONDS = 6
"""A failed request is retried for this long; longer waits belong to the work queue."""

TIMEOUT_SECONDS = 60
"""After this time without a byte the connection is dead; uploads of any size pass, because bytes flow."""

_BUSY_STATUSES = (408, 425, 429)
"""Statuses of a busy registry; DIGEST_INVALID of a PUT counts, too.

Digests are computed from the bytes that are sent, so this error means that another client pushed the same content at
the same moment (docker-registry 2.8 reads back what the other is writing).
"""


@dataclass(frozen=True)
class RegistryRequest:
    """One request; ``content`` may be a file, which is opened again for each attempt."""

    method: str
    url: str
    repo: str
    actions: str
    content: bytes | Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> tuple[str, str]:
        """Tokens are issued per repository and action."""
        return self.repo, self.actions

    def token_scope(self) -> str:
        return f"repository:{self.repo}:{self.actions}" if self.repo else ""


def pull_request(
    repo: str, url: str, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> RegistryRequest:
    return RegistryRequest(method, url, repo, "pull", headers=headers or {})


def push_request(
    repo: str, url: str, *, method: str, content: bytes | Path, headers: Mapping[str, str] | None = None
) -> RegistryRequest:
    return RegistryRequest(method, url, repo, "pull,push", content, headers or {})


def error_from_response(
    host: str, request: RegistryRequest, status: int, headers: Mapping[str, str], body: bytes
) -> RegistryUnavailable | RegistryRefused | NotFound:
    """Return the error for an answer with status 400 or more."""
    what = f"{request.method} {request.url.partition('?')[0]}"
    detail = _detail(body)
    if status in _BUSY_STATUSES or status >= 500 or (request.method == "PUT" and "DIGEST_INVALID" in detail):
        return RegistryUnavailable(
            f"the registry {host} is busy ({status}): {what}{detail}",
            _retry_after(headers),
            None if "DIGEST_INVALID" in detail else host,
        )
    if status == 404:
        return NotFound(f"the registry {host} does not have this content: {what}{detail}")
    if status in (401, 403):
        return RegistryRefused(
            f"the registry {host} denied access ({status}): {what}{detail}; "
            "check that the registry secret names this host and allows pull and push"
        )
    return RegistryRefused(f"the registry {host} refused the request ({status}): {what}{detail}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    seconds = headers.get("retry-after", "")
    return float(seconds) if seconds.isdigit() else None


def _detail(body: bytes) -> str:
    """Return the first message of the registry's error list, or the empty string."""
    try:
        first = json.loads(body)["errors"][0]
        return f" ({first.get('code', '')}: {first.get('message', '')})"
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
