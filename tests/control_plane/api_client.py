"""Client of a real Kubernetes API for tests and benchmarks: HTTP requests with JSON."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes.aio import client, config

Json = dict[str, Any]
TASKS = "/apis/swefoundry.dev/v1alpha1/namespaces/{}/taskinstances"
BUILDS = "/apis/swefoundry.dev/v1alpha1/namespaces/{}/envbuilds"
PODS = "/api/v1/namespaces/{}/pods"

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=60)
PAUSE_SECONDS = 0.2


class ServerBusy(Exception):
    """The server answered 429 or 5xx."""


AWAY = (aiohttp.ClientError, TimeoutError, OSError, ServerBusy)
"""Errors that are not about the request."""


class Cluster:
    """The API server that a kubeconfig names."""

    def __init__(self, session: aiohttp.ClientSession, retry_seconds: float = 0) -> None:
        self._session = session
        self._retry_seconds = retry_seconds
        """For how long a request is repeated while the server is away or busy."""

    @classmethod
    async def connect(cls, kubeconfig: Path | None = None, retry_seconds: float = 0) -> Self:
        """Open a session with the certificate or token of the kubeconfig: this one, or else the default one."""
        configuration = client.Configuration()
        await config.load_kube_config(
            config_file=str(kubeconfig) if kubeconfig else None, client_configuration=configuration
        )
        context = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            context.load_cert_chain(configuration.cert_file, configuration.key_file)
        token = configuration.api_key.get("BearerToken") or configuration.api_key.get("authorization")
        connector = aiohttp.TCPConnector(ssl=context, limit=64)
        headers = {"Authorization": token} if token else {}
        session = aiohttp.ClientSession(
            configuration.host,
            connector=connector,
            headers=headers,
            read_bufsize=1 << 20,
            timeout=REQUEST_TIMEOUT,
        )
        return cls(session, retry_seconds)

    async def close(self) -> None:
        await self._session.close()

    async def request(self, verb: str, path: str, body: Json | None = None, missing_ok: bool = False) -> Json:
        """Send one request and return its JSON; an error status is an error, except 404 and 409 with ``missing_ok``."""
        deadline = time.monotonic() + self._retry_seconds
        while True:
            try:
                return await self._request(verb, path, body, missing_ok)
            except AWAY:
                if time.monotonic() >= deadline:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _request(self, verb: str, path: str, body: Json | None, missing_ok: bool) -> Json:
        content_type = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        async with self._session.request(
            verb, path, data=data, headers={"Content-Type": content_type}
        ) as response:
            text = await response.text()
            problem = f"{verb} {path}: {response.status} {text[:500]}"
            if response.status == 429 or response.status >= 500:
                raise ServerBusy(problem)
            if response.status >= 400 and not (missing_ok and response.status in (404, 409)):
                raise RuntimeError(problem)
            return {} if response.status == 404 else dict(json.loads(text))

    async def hold_request(self, verb: str, path: str, seconds: float) -> bool:
        """Send a request whose body is never complete, and give it up after so long.

        Return whether the server waited for the rest of it, and did not answer.
        """

        async def body() -> AsyncIterator[bytes]:
            yield b"{"
            await asyncio.sleep(seconds * 10)

        try:
            async with self._session.request(
                verb,
                path,
                data=body(),
                headers={"Content-Type": "application/json"},
                timeout=aiohttp.ClientTimeout(total=seconds),
            ):
                return False
        except TimeoutError:
            return True
        except aiohttp.ClientError:
            return (
                False  # a server that refuses a request may close the connection before it has read the body
            )

    async def text(self, path: str) -> str:
        """A document of the API server, such as its metrics."""
        async with self._session.get(path) as response:
            return await response.text()

    async def watch(self, path: str) -> AsyncIterator[Json]:
        """All objects, and all events from then on. A watch that ends begins again with all objects."""
        while True:
            try:
                async for event in self._watch(path):
                    if event["type"] == "ERROR":
                        break
                    yield event
            except AWAY:
                if not self._retry_seconds:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _watch(self, path: str) -> AsyncIterator[Json]:
        timeout = aiohttp.ClientTimeout(total=None)
        # Without a version the server waits until its cache of this kind has seen the newest revision of all kinds, and
        # ends the watch after three seconds: nothing would be seen while no object of the kind changes.
        params = {"watch": "1", "resourceVersion": "0"}
        async with self._session.get(path, params=params, timeout=timeout) as response:
            if response.status >= 400:
                raise ServerBusy(f"watch {path}: {response.status}")
            async for event in json_lines(response):
                yield event


async def json_lines(response: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    """The documents of a streamed response, one a line; a line may have any length."""
    rest = b""
    async for part in response.content.iter_any():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield json.loads(line)
