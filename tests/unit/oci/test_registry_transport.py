"""The transport of the operator's registry client, against a real registry."""

import pytest
from aiohttp import web

from simulated.api_server import listening_server
from swefoundry import metrics
from swefoundry.errors import NotFound, RegistryUnavailable
from swefoundry.oci.content import OCI_MANIFEST, digest_of
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.registry_transport import RegistryTransport

REPO = "transport/tests"
CONTENT = b"content" * 100_000


def a_client(host: str) -> RegistryClient:
    return RegistryClient(host, insecure=True, retry_seconds=0, transport=RegistryTransport)


async def test_content_is_stored_and_read_back(registry_host, tmp_path):
    async with a_client(registry_host) as registry:
        digest = await registry.put_blob(REPO, CONTENT)
        (tmp_path / "file").write_bytes(b"of a file")
        of_file, _ = await registry.put_blob_file(REPO, tmp_path / "file")
        assert await registry.get_blob(REPO, digest, len(CONTENT)) == CONTENT
        assert await registry.get_blob(REPO, of_file, 100) == b"of a file"
        assert await registry.has_blob(REPO, digest)
        assert not await registry.has_blob(REPO, digest_of(b"other"))


async def test_a_manifest_has_its_tag(registry_host):
    async with a_client(registry_host) as registry:
        config = await registry.put_blob(REPO, b"{}")
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2},
            "layers": [],
        }
        digest = await registry.put_manifest(REPO, manifest, OCI_MANIFEST, "tagged")
        assert (await registry.get_manifest(REPO, "tagged")).digest == digest
        assert await registry.list_tags(REPO) == ["tagged"]


async def test_missing_content_is_not_found(registry_host):
    async with a_client(registry_host) as registry:
        with pytest.raises(NotFound):
            await registry.get_manifest(REPO, "missing")


async def test_a_registry_that_does_not_listen_is_unavailable():
    async with a_client("127.0.0.1:1") as registry:
        with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:1 did not answer"):
            await registry.get_manifest(REPO, "any")


async def test_an_answer_that_breaks_off_is_unavailable():
    async def break_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        request.transport.close()
        return response

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", break_off)
    async with listening_server(app) as url, a_client(url.removeprefix("http://")) as registry:
        with pytest.raises(RegistryUnavailable):
            await registry.get_manifest(REPO, "any")


async def test_answers_are_counted(registry_host):
    def counted() -> float:
        return metrics.REGISTRY_REQUESTS.labels("HEAD", "404")._value.get()

    before = counted()
    async with a_client(registry_host) as registry:
        await registry.has_blob(REPO, digest_of(b"never stored"))
    assert counted() == before + 1
