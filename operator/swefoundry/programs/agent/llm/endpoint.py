"""Adapter of one OpenAI-compatible endpoint: sends a chat completion, retries transient failures, maps errors.

The only module that knows the openai client. One request is one HTTP exchange: the client's own retries are off,
because ours stop when the pod is asked to end, and because every response that may be billed has to be counted.

    200 ........................ the JSON object
    408 409 425 429 5xx ........ retried after Retry-After or a growing delay, for at most the model's patienceSeconds
    no connection, no answer ... retried
    half a response ............ retried, at most MAX_BROKEN_RESPONSES in all: each may be billed
    400 422 .................... ContextExceeded or RequestRejected: the caller shortens or adapts the request
    401 402 403 404 ... ........ ModelRefused at once; so does a 429 that says the quota is used up
"""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import openai

from swefoundry.contracts.models import Model
from swefoundry.contracts.wire import JsonObject
from swefoundry.programs.agent.agent_exit import Interrupted, ModelRefused, ModelUnavailable
from swefoundry.programs.agent.llm.api_errors import embedded_status, parse_api_error
from swefoundry.programs.agent.llm.hooks import REAL_HOOKS, Hooks
from swefoundry.programs.agent.llm.http_transport import block_real_models, connection_error, http_client
from swefoundry.programs.agent.llm.request_errors import RetryableError, exception_for
from swefoundry.text.urls import host_and_port

INITIAL_RETRY_DELAY_SECONDS = 1.0
MAX_RETRY_DELAY_SECONDS = 60.0
"""The delay doubles from the initial to the maximal one."""
MAX_RETRY_AFTER_SECONDS = 120.0
"""Upper limit for Retry-After: an endpoint that asks for an hour is called again after two minutes, until the model's
patienceSeconds are over."""
MAX_BROKEN_RESPONSES = 3
"""Responses that broke off or are empty: each is probably billed."""


@dataclass(frozen=True)
class EndpointAccess:
    """What all models of one agent run share."""

    api_key: str = ""
    ca_file: str | None = None
    """PEM bundle, trusted in addition to the system's certificates."""
    stop_requested: asyncio.Event = field(default_factory=asyncio.Event)
    """When set, nothing is retried any more."""
    hooks: Hooks = REAL_HOOKS


class Endpoint:
    """One model at its address. Close it when done."""

    def __init__(self, model: Model, access: EndpointAccess) -> None:
        block_real_models(model.base_url)
        self._model = model
        self._access = access
        self._headers: dict[str, Any] = dict(model.extra_headers)
        if not access.api_key:
            self._headers.setdefault("Authorization", openai.Omit())
        self._client = openai.AsyncOpenAI(
            api_key=access.api_key or "none",
            base_url=model.base_url,
            max_retries=0,
            timeout=model.request_seconds,
            http_client=http_client(model, access.ca_file),
        )

    async def aclose(self) -> None:
        await self._client.close()

    async def complete(self, body: JsonObject) -> JsonObject:
        """The response to a chat completion, retried until the model's patienceSeconds are over.

        Time spent on requests without a response counts, too: they may be billed.
        """
        started, slept, backoff, broken = time.monotonic(), 0.0, INITIAL_RETRY_DELAY_SECONDS, 0
        while True:
            try:
                return await self._send(body)
            except RetryableError as error:
                broken += error.broken
                remaining = self._model.patience_seconds - max(slept, time.monotonic() - started)
                if remaining <= 0 or broken >= MAX_BROKEN_RESPONSES:
                    raise self._unavailable(error, broken) from error
                delay = _retry_delay(error, backoff, remaining)
                self._access.hooks.progress(f"{error}; retried in {delay:.0f} s")
            await self._sleep_unless_stopped(delay)
            slept, backoff = slept + delay, min(backoff * 2, MAX_RETRY_DELAY_SECONDS)

    def _unavailable(self, error: RetryableError, broken: int) -> ModelUnavailable:
        host = host_and_port(self._model.base_url) if not broken else None
        return ModelUnavailable(
            f"{error}; retried until patienceSeconds were over", host or None, error.retry_after
        )

    async def _sleep_unless_stopped(self, seconds: float) -> None:
        """Sleep; raise Interrupted as soon as the pod is asked to end."""
        stop = self._access.stop_requested
        sleeping = asyncio.ensure_future(self._access.hooks.sleep(seconds))
        stopping = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait({sleeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            stopping.cancel()
        if stop.is_set():
            raise Interrupted("the pod was asked to end while the model endpoint was busy")

    async def listed_models(self) -> frozenset[str]:
        """Names of the models that the endpoint lists, none where it has no list.

        One request without a retry; its errors are those of ``complete``, and RetryableError.
        """
        with self._mapped_errors():
            async with asyncio.timeout(self._model.request_seconds):
                try:
                    page = await self._client.models.list(extra_headers=self._headers)
                except openai.NotFoundError:  # a gateway that only completes
                    return frozenset()
        return frozenset(each.id for each in page.data or ())

    async def _send(self, body: JsonObject) -> JsonObject:
        """One HTTP exchange, every error of the client mapped."""
        with self._mapped_errors():
            async with asyncio.timeout(self._model.request_seconds):
                completions = self._client.chat.completions.with_raw_response
                response = await completions.create(**body, extra_headers=self._headers)
                text = response.text
        return self._parse_body(text)

    @contextmanager
    def _mapped_errors(self) -> Iterator[None]:
        url, limit = self._model.base_url, self._model.request_seconds
        try:
            yield
        except openai.APIStatusError as error:
            api_error = parse_api_error(error.status_code, error.response.headers, error.body)
            raise exception_for(api_error, url, self._model.name) from error
        except (openai.APITimeoutError, TimeoutError) as error:
            raise RetryableError(f"{url} gave no answer within {limit} s") from error
        except openai.APIConnectionError as error:
            raise connection_error(url, error) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise RetryableError(f"{url} broke off its answer: {error}", broken=True) from error
        except (openai.OpenAIError, httpx2.InvalidURL, UnicodeError) as error:
            raise ModelRefused(f"{url} cannot be asked: {error}") from error

    def _parse_body(self, text: str) -> JsonObject:
        """The JSON object of a response with status 200; some gateways put errors into it."""
        url = self._model.base_url
        try:
            body = json.loads(text)
        except (ValueError, RecursionError) as error:
            if text.lstrip()[:1] in ("{", ""):
                raise RetryableError(f"{url} broke off its answer", broken=True) from error
            raise ModelRefused(
                f"{url} answers, but not in JSON: {text[:80]!r}; baseUrl must end where "
                "/chat/completions is to be appended, usually in /v1"
            ) from error
        if not isinstance(body, dict):
            raise ModelRefused(f"{url} answers with JSON that is not an object; is it OpenAI-compatible?")
        if body.get("error"):
            api_error = parse_api_error(200, {}, body)
            api_error = replace(api_error, status=embedded_status(api_error))
            raise exception_for(api_error, url, self._model.name)
        if not body.get("choices"):
            raise RetryableError(f"{url} gave an answer without choices", broken=True)
        return body


def _retry_delay(error: RetryableError, backoff: float, remaining: float) -> float:
    """Seconds: the endpoint's Retry-After, else the backoff with jitter so that many pods do not retry at once."""
    if error.retry_after is not None:
        return min(error.retry_after, MAX_RETRY_AFTER_SECONDS, remaining)
    return min(backoff * random.uniform(0.5, 1.0), remaining)
