"""Images and artifacts get from one registry to another as they are."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from swefoundry.errors import PermanentError
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.oci.content import OCI_INDEX, OCI_MANIFEST, canonical_json, descriptor, digest_of
from swefoundry.oci.copying import Repository, copy_manifest
from swefoundry.oci.registry_client import RegistryClient
from unit.oci import registry_server

REPO = "tasks/octo/calc"


@pytest.fixture(scope="module")
def other_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry_server.Server]:
    with registry_server.serving(tmp_path_factory.mktemp("other-registry")) as running:
        yield running


@pytest_asyncio.fixture
async def other(other_server: registry_server.Server) -> AsyncIterator[RegistryClient]:
    async with RegistryClient(other_server.host, insecure=True) as client:
        yield client


async def test_a_copy_is_the_same_byte_for_byte(registry: RegistryClient, other: RegistryClient) -> None:
    layer, config = await registry.put_blob(REPO, b"layer" * 1000), await registry.put_blob(REPO, b"{}")
    # Not as we would write it: the digest is over these very bytes.
    body = b'{ "schemaVersion": 2,\n "mediaType": "%s",\n "config": %s, "layers": [%s, %s] }' % (
        OCI_MANIFEST.encode(),
        canonical_json(descriptor("application/vnd.oci.image.config.v1+json", config, 2)),
        *[canonical_json(descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer, 5000))] * 2,
    )
    digest, _ = await registry.put_manifest_bytes(REPO, body, OCI_MANIFEST, "v1")

    for _ in range(2):
        await copy_manifest(Repository(registry, REPO), Repository(other, "elsewhere/calc"), digest, "copied")

    found = await other.get_manifest("elsewhere/calc", "copied")
    assert (found.digest, found.body) == (digest, body) == (digest_of(body), body)
    assert await other.get_blob("elsewhere/calc", layer, 10_000) == b"layer" * 1000


async def test_artifacts_are_copied_with_their_files(registry: RegistryClient, other: RegistryClient) -> None:
    digest = await push_artifact(registry, REPO, "source", {"source.tar.gz": b"tar"})
    await copy_manifest(Repository(registry, REPO), Repository(other, REPO), digest, "source")
    assert await pull_artifact(other, REPO, digest, 100) == {"source.tar.gz": b"tar"}


async def test_an_index_of_several_images_is_refused(registry: RegistryClient, other: RegistryClient) -> None:
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    digest = await registry.put_manifest(REPO, index, OCI_INDEX, "index")
    with pytest.raises(PermanentError, match="an index of several images"):
        await copy_manifest(Repository(registry, REPO), Repository(other, REPO), digest, "t")


async def test_the_repositories_of_a_registry_are_listed(registry: RegistryClient) -> None:
    for name in ("list/a", "list/b"):
        await push_artifact(registry, name, "thing", {})
    assert {"list/a", "list/b"} <= set(await registry.list_repositories())
