"""Client of the Kubernetes API for the benchmark, the same for both sides: plain HTTP and JSON."""

import json
import ssl
from collections.abc import AsyncIterator
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
    async def connect(cls) -> Self:
        """Log in with the kubeconfig's certificate or token."""
        configuration = client.Configuration()
        await config.load_kube_config(client_configuration=configuration)
        trust = ssl.create_default_context(cafile=configuration.ssl_ca_cert)
        if configuration.cert_file:
            trust.load_cert_chain(configuration.cert_file, configuration.key_file)
        token = configuration.api_key.get("BearerToken") or configuration.api_key.get("authorization")
        connector = aiohttp.TCPConnector(ssl=trust, limit=64)
        headers = {"Authorization": token} if token else {}
        return cls(
            aiohttp.ClientSession(
                configuration.host, connector=connector, headers=headers, read_bufsize=1 << 20
            )
        )

    async def close(self) -> None:
        await self._session.close()

    async def ask(self, verb: str, path: str, body: Json | None = None, missing_ok: bool = False) -> Json:
        """One request; any refusal ends the benchmark."""
        kind = "application/merge-patch+json" if verb == "PATCH" else "application/json"
        data = None if body is None else json.dumps(body)
        async with self._session.request(verb, path, data=data, headers={"Content-Type": kind}) as answer:
            text = await answer.text()
            if answer.status >= 400 and not (missing_ok and answer.status in (404, 409)):
                raise RuntimeError(f"{verb} {path}: {answer.status} {text[:500]}")
            return dict(json.loads(text))

    async def watch(self, path: str) -> AsyncIterator[Json]:
        """Every event from now on; lines may be of any length."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with self._session.get(path, params={"watch": "1"}, timeout=timeout) as answer:
            rest = b""
            async for part in answer.content.iter_any():
                *lines, rest = (rest + part).split(b"\n")
                for line in lines:
                    yield json.loads(line)
