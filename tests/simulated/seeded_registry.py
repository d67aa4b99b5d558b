"""Content that intake and build pods leave in the registry, pushed once, for tests of the operator."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from simulated.api_server import Json, RequestHook, listening_server, no_hook
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.stages import Stage
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.content import OCI_LAYER, OCI_MANIFEST, descriptor, digest_of
from swefoundry.oci.deterministic_tar import RegularFile, pack_nodes
from swefoundry.oci.overlays import StageChanges, stage_layer
from swefoundry.oci.registry_client import RegistryClient

REPOSITORY = "swefoundry/tasks/owner/name"


@dataclass(frozen=True)
class SeededRegistry:
    """Digests of what is in the registry."""

    source: str
    facts: str
    layers: dict[str, Json]
    image: str


async def seed_registry(
    registry: RegistryClient, repository: str = REPOSITORY, content: str = ""
) -> SeededRegistry:
    """Push a source, facts, the three layers and a task image; other content gives other digests."""
    layers = {}
    facts = Facts(test_files=["t.py"], languages={"python": 1}).model_dump_json(by_alias=True).encode()
    intake_files = {"facts.json": facts}
    for stage in Stage:
        intake_files[f"{stage}.tar.gz"], layer = stage_layer(
            StageChanges(replaced=(b"t.py",)),
            {b"t.py": RegularFile(f"{stage.value}{content}".encode())},
            b"runner",
        )
        layers[stage.value] = layer.to_json_dict()
    await push_artifact(registry, repository, "intake", intake_files)
    image = await push_task_image(registry, repository, f"base{content}".encode())
    return SeededRegistry(image, digest_of(facts), layers, image)


async def push_task_image(registry: RegistryClient, repository: str, content: bytes = b"base") -> str:
    """Push a task image with one file; its digest."""
    data, diff_id = pack_nodes([(b"testbed/t.py", RegularFile(content))], 0)
    layer = await registry.put_blob(repository, data)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
    }
    body = json.dumps(config).encode()
    digest = await registry.put_blob(repository, body)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", digest, len(body)),
        "layers": [descriptor(OCI_LAYER, layer, len(data))],
    }
    return await registry.put_manifest(repository, manifest, OCI_MANIFEST, "task")


class RegistryProxy:
    """HTTP proxy of the registry, so that a test can crash the operator at any of its requests."""

    def __init__(self, behind: str, session: aiohttp.ClientSession) -> None:
        self.gate: RequestHook = no_hook
        self.host = ""
        self.behind = behind
        self._session = session

    async def answer(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        after = await self.gate(f"{request.method} {request.path}")
        headers = {
            name: text for name, text in request.headers.items() if name.lower() != "transfer-encoding"
        }
        try:
            async with self._session.request(
                request.method,
                f"http://{self.behind}{request.raw_path}",
                headers=headers,
                data=content,
                allow_redirects=False,
            ) as found:
                body = await found.read()
                kept = {k: v for k, v in found.headers.items() if k.lower() not in ("content-length", "date")}
                if request.method == "HEAD":
                    kept["Content-Length"] = found.headers.get("Content-Length", "0")
                return web.Response(status=found.status, headers=kept, body=body)
        finally:
            if after is not None:
                after()


@asynccontextmanager
async def running_proxy(host: str) -> AsyncIterator[RegistryProxy]:
    """Run the proxy until the block ends."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        proxy = RegistryProxy(host, session)
        app = web.Application(client_max_size=64 << 20)
        app.router.add_route("*", "/{path:.*}", proxy.answer)
        async with listening_server(app) as url:
            proxy.host = url.removeprefix("http://")
            yield proxy
            await asyncio.sleep(0)
