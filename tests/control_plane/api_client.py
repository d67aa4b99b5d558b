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
PAGE_SIZE = 200
"""Objects in one answer."""
GONE = 410


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
        """All objects, and all events from then on.

        A watch that ends goes on after its last event. A server that no longer has what followed is asked for all
        objects again, which costs it much with thousands of them.
        """
        while True:
            async for event in self._all_and_events(path):
                yield event
            await asyncio.sleep(PAUSE_SECONDS)

    async def _all_and_events(self, path: str) -> AsyncIterator[Json]:
        """All objects, and all events from then on until the server no longer has what follows."""
        async for page in self._pages(path):
            for item in page["items"]:
                yield {"type": "ADDED", "object": item}
        version = page["metadata"]["resourceVersion"]
        while True:
            try:
                async for event in self._watch(path, version):
                    if event["type"] == "ERROR":
                        return
                    version = event["object"]["metadata"]["resourceVersion"]
                    yield event
            except AWAY:
                if not self._retry_seconds:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)

    async def _pages(self, path: str) -> AsyncIterator[Json]:
        """All objects, in lists of the same version; at least one."""
        following = ""
        while True:
            page = await self.request("GET", f"{path}?limit={PAGE_SIZE}{following}")
            yield page
            if not page["metadata"].get("continue"):
                return
            following = f"&continue={page['metadata']['continue']}"

    async def _watch(self, path: str, version: str) -> AsyncIterator[Json]:
        timeout = aiohttp.ClientTimeout(total=None)
        params = {"watch": "1", "resourceVersion": version}
        async with self._session.get(path, params=params, timeout=timeout) as response:
            if response.status == GONE:
                yield {"type": "ERROR"}
            elif response.status >= 400:
                raise ServerBusy(f"watch {path}: {response.status}")
            else:
                async for event in json_lines(response):
                    yield event


async def json_lines(response: aiohttp.ClientResponse) -> AsyncIterator[Json]:
    """The documents of a streamed response, one a line; a line may have any length."""
    rest = b""
    async for part in response.content.iter_any():
        *lines, rest = (rest + part).split(b"\n")
        for line in lines:
            yield json.loads(line)
