"""Client of the Kubernetes API for both sides of the benchmark: HTTP requests with JSON."""

import json
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Self

import aiohttp
from kubernetes.aio import client, config

Json = dict[str, Any]
TASKS = "/apis/swefoundry.dev/v1alpha1/namespaces/{}/taskinstances"
PODS = "/api/v1/namespaces/{}/pods"


class Cluster:
    """The API server that the kubeconfig names."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    @classmethod
    async def connect(cls, kubeconfig: Path | None = None) -> Self:
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
        return cls(
            aiohttp.ClientSession(
                configuration.host, connector=connector, headers=headers, read_bufsize=1 << 20
            )
        )

    async def close(self) -> None:
        await self._session.close()

    async def request(self, verb: str, path: str, body: Json | None = None, missing_ok: bool = False) -> Json:
        """Send one request and return its JSON; an error status ends the benchmark."""
        content_type = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        async with self._session.request(
            verb, path, data=data, headers={"Content-Type": content_type}
        ) as response:
            text = await response.text()
            if response.status >= 400 and not (missing_ok and response.status in (404, 409)):
                raise RuntimeError(f"{verb} {path}: {response.status} {text[:500]}")
            return {} if response.status == 404 else dict(json.loads(text))

    async def text(self, path: str) -> str:
        """A document of the API server, such as its metrics."""
        async with self._session.get(path) as response:
            return await response.text()

    async def watch(self, path: str) -> AsyncIterator[Json]:
        """All events from now on; a line may have any length."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(path, params={"watch": "1"}, timeout=timeout) as response:
            rest = b""
            async for part in response.content.iter_any():
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    yield json.loads(line)
