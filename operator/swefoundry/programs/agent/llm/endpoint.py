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
    AGAIN,
    Complaint,
    Meaning,
    advice,
    complaint_of,
    meaning,
    status_within,
)
from swefoundry.programs.agent.llm.messages import Json

FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
"""Pauses double from the first to the longest."""
LONGEST_RETRY_AFTER_SECONDS = 120.0
"""Retry-After is honoured up to here; an endpoint that wants an hour is asked again after two minutes, then given up
within our patience."""
GARBLED_ANSWERS = 3
"""Answers that broke off or hold nothing: each is probably paid for."""
CONNECT_SECONDS = 10.0
UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
"""Codes of X509_V_ERR_...: nobody who is trusted signed the certificate. Others are about its names or dates."""

NO_REAL_MODELS = "SWEFOUNDRY_NO_REAL_MODELS"
"""Environment variable that tests set: only endpoints that cannot be real are asked."""

Pause = Callable[[float], Awaitable[None]]
Say = Callable[[str], None]


class RealModelRefused(Exception):
    """A test asked a model that may be real: a defect of the test, so this is no stop."""


class TooLong(Exception):
    """The endpoint says that the request does not fit the model's context."""


class Invalid(Exception):
    """The endpoint refuses the request as it is (400, 422); the message is its own words."""


class _Later(Exception):
    """Worth asking again."""

    def __init__(self, why: str, after: float | None = None, garbled: bool = False) -> None:
        super().__init__(why)
        self.after = after
        self.garbled = garbled


@dataclass(frozen=True)
class Access:
    """What all models of a ladder share."""

    key: str = ""
    ca_file: str | None = None
    """PEM bundle, trusted besides the usual certificates."""
    stopping: asyncio.Event | None = None
    """Set: ask nothing again."""
    pause: Pause = asyncio.sleep
    say: Say = print


class Endpoint:
    """One model at its address. Close it when done."""

    def __init__(self, model: Model, access: Access) -> None:
        _refuse_real(_host(model.base_url), model.base_url)
        self._model = model
        self._access = access
        self._http = httpx2.AsyncClient(
            verify=_trust(access.ca_file),
            timeout=httpx2.Timeout(model.request_seconds, connect=CONNECT_SECONDS),
            trust_env=True,  # HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE
        )
        self._headers: dict[str, Any] = dict(model.extra_headers)
        if not access.key:
            self._headers.setdefault("Authorization", openai.Omit())
        self._client = openai.AsyncOpenAI(
            api_key=access.key or "none",
            base_url=model.base_url,
            max_retries=0,
            timeout=model.request_seconds,
            http_client=self._http,
        )

    async def aclose(self) -> None:
        await self._client.close()

    async def complete(self, body: Json) -> Json:
        """The endpoint's answer to a chat completion: a JSON object.

        Time spent on answers that never came counts as waiting, too: those may be on the bill.
        """
        began, waited, pause, garbled = time.monotonic(), 0.0, FIRST_PAUSE_SECONDS, 0
        while True:
            try:
                return await self._once(body)
            except _Later as later:
                garbled += later.garbled
                rest = self._model.patience_seconds - max(waited, time.monotonic() - began)
                if rest <= 0 or garbled >= GARBLED_ANSWERS:
                    raise ModelUnavailable(f"{later}; asked again until patience ended") from later
                wait = _wait(later, pause, rest)
                self._access.say(f"{later}; asked again in {wait:.0f} s")
            await self._rest(wait)
            waited, pause = waited + wait, min(pause * 2, LONGEST_PAUSE_SECONDS)

    async def _rest(self, seconds: float) -> None:
        """Pause, unless the pod is asked to end."""
        stopping = self._access.stopping or asyncio.Event()
        pausing = asyncio.ensure_future(self._access.pause(seconds))
        stopped = asyncio.ensure_future(stopping.wait())
        try:
            await asyncio.wait({pausing, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pausing.cancel()
            stopped.cancel()
        if stopping.is_set():
            raise Interrupted("the pod was asked to end while the model endpoint was busy")

    async def _once(self, body: Json) -> Json:
        """One exchange, every error of the client mapped."""
        model = self._model
        try:
            async with asyncio.timeout(model.request_seconds):
                asked = self._client.chat.completions.with_raw_response
                raw = await asked.create(**body, extra_headers=self._headers)
                text = raw.text
        except openai.APIStatusError as error:
            raise self._complained(
                complaint_of(error.status_code, error.response.headers, error.body)
            ) from error
        except (openai.APITimeoutError, TimeoutError) as error:
            raise _Later(f"{model.base_url} gave no answer within {model.request_seconds} s") from error
        except openai.APIConnectionError as error:
            raise self._unconnected(error) from error
        except (httpx2.HTTPError, httpx2.StreamError) as error:
            raise _Later(f"{model.base_url} broke off its answer: {error}", garbled=True) from error
        except (openai.OpenAIError, httpx2.InvalidURL, UnicodeError) as error:
            raise ModelRefused(f"{model.base_url} cannot be asked: {error}") from error
        return self._object(text)

    def _object(self, text: str) -> Json:
        """The answer's JSON object; some gateways put errors into it."""
        where = self._model.base_url
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            if text.lstrip()[:1] in ("{", ""):
                raise _Later(f"{where} broke off its answer", garbled=True) from error
            raise ModelRefused(
                f"{where} answers, but not in JSON: {text[:80]!r}; baseUrl must end where "
                "/chat/completions is to be appended, usually in /v1"
            ) from error
        if not isinstance(found, dict):
            raise ModelRefused(f"{where} answers with JSON that is no object; is it OpenAI-compatible?")
        if found.get("error"):
            complaint = complaint_of(200, {}, found)
            raise self._complained(replace(complaint, status=status_within(complaint)))
        if not found.get("choices"):
            raise _Later(f"{where} gave an answer without choices", garbled=True)
        return found

    def _complained(self, complaint: Complaint) -> Exception:
        said = complaint.sentence(self._model)
        match meaning(complaint):
            case Meaning.AGAIN:
                return _Later(said, complaint.after)
            case Meaning.SHORTEN:
                return TooLong(said)
            case Meaning.INVALID:
                return Invalid(said)
            case Meaning.REFUSED:
                return ModelRefused(f"{said}; {advice(complaint)}")

    def _unconnected(self, error: openai.APIConnectionError) -> Exception:
        where, causes = self._model.base_url, _causes(error)
        for cause in causes:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return ModelRefused(f"the certificate of {where} is not trusted: {_distrust(cause)}")
        if any(isinstance(cause, httpx2.ProxyError) for cause in causes):
            return _unproxied(f"the proxy on the way to {where} says: {causes[-1]}", str(causes[-1]))
        if any(isinstance(cause, httpx2.UnsupportedProtocol) for cause in causes):
            return ModelRefused(f"{where} cannot be asked: {causes[-1]}")
        return _Later(f"{where} was not reached: {causes[-1] or type(causes[-1]).__name__}")


def _wait(later: _Later, pause: float, rest: float) -> float:
    """Seconds to wait: what the endpoint wants, else the pause with jitter so that many pods do not come at once."""
    if later.after is not None:
        return min(later.after, LONGEST_RETRY_AFTER_SECONDS, rest)
    return min(pause * random.uniform(0.5, 1.0), rest)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what led to it, outermost first."""
    found = [error]
    while (cause := found[-1].__cause__ or found[-1].__context__) is not None and cause not in found:
        found.append(cause)
    return found


def _unproxied(said: str, status: str) -> Exception:
    """A proxy that forbids the way will not change its mind; one that cannot reach the endpoint may soon."""
    if re.match(r"4\d\d", status) and int(status[:3]) not in AGAIN:
        return ModelRefused(
            f"{said}; check the proxy in the chart's value agents.env, and what it lets through"
        )
    return _Later(said)


def _distrust(error: ssl.SSLCertVerificationError) -> str:
    """Why, and what a person can do."""
    said = (error.verify_message or str(error)).rstrip(".")
    if error.verify_code not in UNKNOWN_AUTHORITY:
        return f"{said}; check baseUrl, and the certificate with whoever runs the endpoint"
    return (
        f"{said}; put the certificate of the authority that signed it into key ca.crt of the ConfigMap that the "
        "chart's value caConfigMap names, in the task's namespace"
    )


def _trust(ca_file: str | None) -> ssl.SSLContext:
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


def _refuse_real(host: str, base_url: str) -> None:
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
        raise RealModelRefused(
            f"{base_url} may be a real model, and {NO_REAL_MODELS} is set: tests ask no real models"
        )
