"""What do we ask of a registry, and what does its refusal mean? Plain values; the HTTP is in ``registry``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.errors import NotFound, RegistryRefused, RegistryUnavailable

RETRY_SECONDS = 6
"""Repeats of a failed request end after this: longer waits belong to the work queue."""

TIMEOUT_SECONDS = 60
"""No byte for so long means a dead connection; uploads of any size pass, because bytes flow."""

_BUSY_STATUSES = (408, 425, 429)
"""And DIGEST_INVALID of a PUT: digests are made of the very bytes that are sent, so the registry has stumbled over
somebody who pushed the same content at the same moment (docker-registry 2.8 reads back what another is writing).
"""


@dataclass(frozen=True)
class RegistryRequest:
    """One request; ``content`` may be a file, which is opened anew for each attempt."""

    method: str
    url: str
    repo: str
    actions: str
    content: bytes | Path | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> tuple[str, str]:
        """Tokens are given per repository and action."""
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
    """The error of ours that an answer of 400 or more stands for."""
    what = f"{request.method} {request.url.partition('?')[0]}"
    said = _detail(body)
    if status in _BUSY_STATUSES or status >= 500 or (request.method == "PUT" and "DIGEST_INVALID" in said):
        return RegistryUnavailable(
            f"the registry {host} is busy ({status}): {what}{said}", _retry_after(headers)
        )
    if status == 404:
        return NotFound(f"the registry {host} has no such content: {what}{said}")
    if status in (401, 403):
        return RegistryRefused(
            f"the registry {host} refused us ({status}): {what}{said}; "
            "check that the registry secret names this host and may do this (pull and push)"
        )
    return RegistryRefused(f"the registry {host} refused the request ({status}): {what}{said}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    said = headers.get("retry-after", "")
    return float(said) if said.isdigit() else None


def _detail(body: bytes) -> str:
    """The first message of the registry's error list, or nothing."""
    try:
        first = json.loads(body)["errors"][0]
        return f" ({first.get('code', '')}: {first.get('message', '')})"
    except (ValueError, LookupError, TypeError, AttributeError):
        return ""
