"""How is an OpenAI-compatible endpoint asked? The only module that knows the model client and its HTTP library.

One request is one HTTP exchange; the client's own retries are off, because ours stop when the pod is asked to end, and
because what is paid for has to be counted. Errors of the client become stops, or one of the two signals below.

    200 ........................ the JSON object
    408 409 425 429 5xx ........ again, after Retry-After or a growing pause, while the model's patience lasts
    no connection, no answer ... again
    half an answer ............. again, at most GARBLED_ANSWERS in all: each may be on the bill
    400 422 .................... TooLong or Invalid: the speaker shortens it or says it otherwise
    401 402 403 404 ... ........ ModelRefused, at once; so does a 429 that says the quota is used up
"""

import asyncio
import ipaddress
import json
import os
import random
import re
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx2
import openai

from swefoundry.contracts.models import Model
from swefoundry.programs.agent.agent_exit import Interrupted, ModelRefused, ModelUnavailable
from swefoundry.programs.agent.llm.api_errors import (
    RETRY_STATUSES,
    ApiError,
    ErrorAction,
    action_for,
    embedded_status,
    error_hint,
    parse_api_error,
)
from swefoundry.programs.agent.llm.messages import JsonObject

INITIAL_RETRY_DELAY_SECONDS = 1.0
MAX_RETRY_DELAY_SECONDS = 60.0
"""Pauses double from the first to the longest."""
MAX_RETRY_AFTER_SECONDS = 120.0
"""Retry-After is honoured up to here; an endpoint that wants an hour is asked again after two minutes, then given up
within our patience."""
MAX_BROKEN_RESPONSES = 3
"""Answers that broke off or hold nothing: each is probably paid for."""
CONNECT_SECONDS = 10.0
UNTRUSTED_ISSUER_CODES = frozenset({2, 18, 19, 20, 21})
"""Codes of X509_V_ERR_...: nobody who is trusted signed the certificate. Others are about its names or dates."""

NO_REAL_MODELS = "SWEFOUNDRY_NO_REAL_MODELS"
"""Environment variable that tests set: only endpoints that cannot be real are asked."""

Sleep = Callable[[float], Awaitable[None]]
Progress = Callable[[str], None]


class RealModelBlocked(Exception):
    """A test asked a model that may be real: a defect of the test, so this is no stop."""


class ContextExceeded(Exception):
    """The endpoint says that the request does not fit the model's context."""


class RequestRejected(Exception):
    """The endpoint refuses the request as it is (400, 422); the message is its own words."""


class _RetryableError(Exception):
    """Worth asking again."""

    def __init__(self, message: str, retry_after: float | None = None, broken: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.broken = broken


@dataclass(frozen=True)
class EndpointAccess:
    """What all models of a ladder share."""

    api_key: str = ""
    ca_file: str | None = None
    """PEM bundle, trusted besides the usual certificates."""
    stop_requested: asyncio.Event | None = None
    """Set: ask nothing again."""
    sleep: Sleep = asyncio.sleep
    progress: Progress = print


class Endpoint:
    """One model at its address. Close it when done."""

    def __init__(self, model: Model, access: EndpointAccess) -> None:
        _block_real_models(_host(model.base_url), model.base_url)
        self._model = model
        self._access = access
        self._http = httpx2.AsyncClient(
            verify=_ssl_context(access.ca_file),
            timeout=httpx2.Timeout(model.request_seconds, connect=CONNECT_SECONDS),
            trust_env=True,  # HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE
        )
        self._headers: dict[str, Any] = dict(model.extra_headers)
        if not access.api_key:
            self._headers.setdefault("Authorization", openai.Omit())
        self._client = openai.AsyncOpenAI(
            api_key=access.api_key or "none",
            base_url=model.base_url,
            max_retries=0,
            timeout=model.request_seconds,
            http_client=self._http,
        )

    async def aclose(self) -> None:
        await self._client.close()

    async def complete(self, body: JsonObject) -> JsonObject:
        """The endpoint's answer to a chat completion: a JSON object.

        Time spent on answers that never came counts as waiting, too: those may be on the bill.
        """
        began, waited, pause, garbled = time.monotonic(), 0.0, INITIAL_RETRY_DELAY_SECONDS, 0
        while True:
            try:
                return await self._send(body)
            except _RetryableError as later:
                garbled += later.broken
                rest = self._model.patience_seconds - max(waited, time.monotonic() - began)
                if rest <= 0 or garbled >= MAX_BROKEN_RESPONSES:
                    raise ModelUnavailable(f"{later}; asked again until patience ended") from later
                wait = _retry_delay(later, pause, rest)
                self._access.progress(f"{later}; asked again in {wait:.0f} s")
            await self._sleep_unless_stopped(wait)
            waited, pause = waited + wait, min(pause * 2, MAX_RETRY_DELAY_SECONDS)

    async def _sleep_unless_stopped(self, seconds: float) -> None:
        """Pause, unless the pod is asked to end."""
        stopping = self._access.stop_requested or asyncio.Event()
        pausing = asyncio.ensure_future(self._access.sleep(seconds))
        stopped = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({pausing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pausing.cancel()
            stopped.cancel()
        if stopping.is_set():
            raise Interrupted("the pod was asked to end while the model endpoint was busy")

    async def _send(self, body: JsonObject) -> JsonObject:
        """One exchange, every error of the client mapped."""
        model = self._model
        try:
            async with asyncio.timeout(model.request_seconds):
                asked = self._client.chat.completions.with_raw_response
                raw = await asked.create(**body, extra_headers=self._headers)
                text = raw.text
        except openai.APIStatusError as error:
            raise self._exception_for(
                parse_api_error(error.status_code, error.response.headers, error.body)
            ) from error
        except (openai.APITimeoutError, TimeoutError) as error:
            raise _RetryableError(
                f"{model.base_url} gave no answer within {model.request_seconds} s"
            ) from error
        except openai.APIConnectionError as error:
            raise self._connection_error(error) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _RetryableError(f"{model.base_url} broke off its answer: {error}", broken=True) from error
        except (openai.OpenAIError, httpx2.InvalidURL, UnicodeError) as error:
            raise ModelRefused(f"{model.base_url} cannot be asked: {error}") from error
        return self._parse_body(text)

    def _parse_body(self, text: str) -> JsonObject:
        """The answer's JSON object; some gateways put errors into it."""
        where = self._model.base_url
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            if text.lstrip()[:1] in ("{", ""):
                raise _RetryableError(f"{where} broke off its answer", broken=True) from error
            raise ModelRefused(
                f"{where} answers, but not in JSON: {text[:80]!r}; baseUrl must end where "
                "/chat/completions is to be appended, usually in /v1"
            ) from error
        if not isinstance(found, dict):
            raise ModelRefused(f"{where} answers with JSON that is no object; is it OpenAI-compatible?")
        if found.get("error"):
            complaint = parse_api_error(200, {}, found)
            raise self._exception_for(replace(complaint, status=embedded_status(complaint)))
        if not found.get("choices"):
            raise _RetryableError(f"{where} gave an answer without choices", broken=True)
        return found

    def _exception_for(self, error: ApiError) -> Exception:
        said = error.describe(self._model)
        match action_for(error):
            case ErrorAction.RETRY:
                return _RetryableError(said, error.retry_after)
            case ErrorAction.SHRINK:
                return ContextExceeded(said)
            case ErrorAction.ADAPT:
                return RequestRejected(said)
            case ErrorAction.FAIL:
                return ModelRefused(f"{said}; {error_hint(error)}")

    def _connection_error(self, error: openai.APIConnectionError) -> Exception:
        where, causes = self._model.base_url, _cause_chain(error)
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ModelRefused(
                    f"the certificate of {where} is not trusted: {_certificate_problem(cause)}"
                )
        if any(isinstance(cause, httpx2.ProxyError) for cause in causes):
            return _proxy_error(f"the proxy on the way to {where} says: {causes[-1]}", str(causes[-1]))
        if any(isinstance(cause, httpx2.UnsupportedProtocol) for cause in causes):
            return ModelRefused(f"{where} cannot be asked: {causes[-1]}")
        return _RetryableError(f"{where} was not reached: {causes[-1] or type(causes[-1]).__name__}")


def _retry_delay(error: _RetryableError, backoff: float, remaining: float) -> float:
    """Seconds to wait: what the endpoint wants, else the pause with jitter so that many pods do not come at once."""
    if error.retry_after is not None:
        return min(error.retry_after, MAX_RETRY_AFTER_SECONDS, remaining)
    return min(backoff * random.uniform(0.5, 1.0), remaining)


def _cause_chain(error: BaseException) -> list[BaseException]:
    """The error and what led to it, outermost first."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


def _proxy_error(message: str, status: str) -> Exception:
    """A proxy that forbids the way will not change its mind; one that cannot reach the endpoint may soon."""
    if re.match(r"4\d\d", status) and int(status[:3]) not in RETRY_STATUSES:
        return ModelRefused(
            f"{message}; check the proxy in the chart's value agents.env, and what it lets through"
        )
    return _RetryableError(message)


def _certificate_problem(error: ssl.SSLCertVerificationError) -> str:
    """Why, and what a person can do."""
    said = (error.verify_message or str(error)).rstrip(".")
    if error.verify_code not in UNTRUSTED_ISSUER_CODES:
        return f"{said}; check baseUrl, and the certificate with whoever runs the endpoint"
    return (
        f"{said}; put the certificate of the authority that signed it into key ca.crt of the ConfigMap that the "
        "chart's value caConfigMap names, in the task's namespace"
    )


def _ssl_context(ca_file: str | None) -> ssl.SSLContext:
    trust = httpx2.create_ssl_context()
    if ca_file is None:
        return trust
    try:
        trust.load_verify_locations(cafile=Path(ca_file))
    except (OSError, ssl.SSLError) as error:
        raise ModelRefused(
            f"the CA bundle {ca_file} for models cannot be read: {error}; key ca.crt of the ConfigMap that the chart's "
            "value caConfigMap names must hold PEM certificates"
        ) from error
    return trust


def _host(base_url: str) -> str:
    try:
        return httpx2.URL(base_url).host
    except httpx2.InvalidURL as error:
        raise ModelRefused(f"the model's baseUrl {base_url} is no URL: {error}") from error


def _block_real_models(host: str, base_url: str) -> None:
    """Tests may speak to this machine and to names that are never anybody's (RFC 2606)."""
    if not os.environ.get(NO_REAL_MODELS):
        return
    if host == "localhost" or host.endswith((".test", ".invalid", ".localhost")):
        return
    try:
        loopback = ipaddress.ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if not loopback:
        raise RealModelBlocked(
            f"{base_url} may be a real model, and {NO_REAL_MODELS} is set: tests ask no real models"
        )
