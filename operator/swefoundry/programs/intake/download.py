"""Downloads from any host: archives, as a stream up to a limit and with the manifest's sha256, and files of Git LFS."""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from swefoundry.contracts.intake import ArchiveOrigin
from swefoundry.programs.agent.llm.api_errors import retry_after_seconds
from swefoundry.programs.intake.intake_errors import (
    HostUnavailable,
    IntakeRejected,
    source_mismatch,
    unreachable_source,
)
from swefoundry.programs.intake.limits import ARCHIVE_BYTES, RetryPolicy
from swefoundry.programs.intake.retry import with_retries

_TIMEOUT = httpx.Timeout(60, connect=10)
"""No byte for a minute means a dead connection; slow downloads pass."""

_WORDS_CHARACTERS = 300
"""Of an error's body, in a message."""

_RETRYABLE_STATUSES = (408, 425, 429)


async def download_archive(
    origin: ArchiveOrigin, target: Path, retry: RetryPolicy, limit: int = ARCHIVE_BYTES
) -> None:
    """Write the archive to ``target``."""
    sha256 = await with_retries(retry, lambda: stream_to_file(origin.url, target, limit))
    if sha256 != origin.sha256.lower():
        raise source_mismatch(f"{origin.url} has sha256 {sha256}, not {origin.sha256} as the manifest says")


async def post_json(url: str, body: object, headers: Mapping[str, str]) -> Any:
    """The JSON that a server answers to a request with a JSON body, once."""
    try:
        async with httpx.AsyncClient(timeout=_TIMEOUT) as client:
            response = await client.post(url, content=json.dumps(body), headers=dict(headers))
        if response.is_error:
            raise _download_error(url, response, response.text)
        return response.json()
    except httpx.RequestError as error:
        raise HostUnavailable(url, f"did not answer: {error or type(error).__name__}") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise unreachable_source(f"{url} did not answer with JSON: {error}") from error


async def stream_to_file(url: str, target: Path, limit: int, headers: Mapping[str, str] | None = None) -> str:
    """Download a file once, up to a limit; its sha256."""
    if not url.startswith(("http://", "https://")):
        raise unreachable_source(f"{url[:200]} is not an http or https URL, and only these are fetched")
    digest, size = hashlib.sha256(), 0
    try:
        async with (
            httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=True) as client,
            # The archive as it is stored: a server must not compress it once more.
            client.stream("GET", url, headers={**(headers or {}), "Accept-Encoding": "identity"}) as response,
        ):
            if response.is_error:
                raise _download_error(url, response, await _first_words(response))
            with await asyncio.to_thread(target.open, "wb") as handle:
                async for part in response.aiter_raw(1 << 20):
                    size += len(part)
                    if size > limit:
                        raise source_mismatch(f"{url} is larger than {limit >> 20} MiB")
                    digest.update(part)
                    await asyncio.to_thread(handle.write, part)
    except httpx.RequestError as error:
        raise HostUnavailable(url, f"did not answer: {error or type(error).__name__}") from error
    except httpx.InvalidURL as error:
        raise unreachable_source(f"{url} is not a usable URL: {error}") from error
    return digest.hexdigest()


async def _first_words(response: httpx.Response) -> str:
    """The beginning of an error's body."""
    async for part in response.aiter_text(_WORDS_CHARACTERS):
        return part
    return ""


def _download_error(url: str, response: httpx.Response, body: str) -> IntakeRejected | HostUnavailable:
    status, after = response.status_code, retry_after_seconds(response.headers)
    limited = status == 403 and (after is not None or response.headers.get("x-ratelimit-remaining") == "0")
    if status in _RETRYABLE_STATUSES or status >= 500 or limited:
        words = " ".join(body.split())[:_WORDS_CHARACTERS]
        return HostUnavailable(url, f"is busy ({status})" + (f": {words}" if words else ""), after)
    if status in (404, 410):
        return source_mismatch(f"there is no archive at {url} ({status})")
    return unreachable_source(
        f"{url} denied access ({status}): archives must be downloadable without a login"
    )
