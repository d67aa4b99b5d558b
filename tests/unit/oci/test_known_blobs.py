"""Blobs that are not asked for again."""

import httpx
import pytest

from swefoundry.errors import PermanentError
from swefoundry.oci.content import OCI_LAYER, OCI_MANIFEST, descriptor, digest_of
from swefoundry.oci.known_blobs import KNOWN_BLOBS, KNOWN_SECONDS, KnownBlobs
from swefoundry.oci.registry_client import RegistryClient

A, B = digest_of(b"a"), digest_of(b"b")


@pytest.fixture
def methods(registry: RegistryClient) -> list[str]:
    """Methods of the requests that are sent."""
    sent: list[str] = []

    async def note(request: httpx.Request) -> None:
        sent.append(request.method)

    registry._client.event_hooks = {"request": [note]}
    return sent


async def test_a_blob_that_was_stored_is_not_asked_for_again(
    registry: RegistryClient, methods: list[str]
) -> None:
    assert [await registry.put_blob("known/stored", b"a") for _ in range(3)] == [A, A, A]
    assert methods == ["HEAD", "POST", "PUT"]


async def test_a_blob_is_known_in_its_repository_alone(registry: RegistryClient, methods: list[str]) -> None:
    await registry.put_blob("known/one", b"a")
    await registry.put_blob("known/other", b"a")
    assert methods == ["HEAD", "POST", "PUT"] * 2


async def test_when_a_manifest_is_refused_the_blobs_of_its_repository_are_asked_for_again(
    registry: RegistryClient, methods: list[str]
) -> None:
    await registry.put_blob("known/lost", b"a")
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_LAYER, A, 1),
        "layers": [descriptor(OCI_LAYER, digest_of(b"deleted since"), 13)],
    }
    with pytest.raises(PermanentError, match="blob unknown"):
        await registry.put_manifest("known/lost", manifest, OCI_MANIFEST, "tag")
    methods.clear()
    await registry.put_blob("known/lost", b"a")
    assert methods == ["HEAD"]


def test_a_blob_is_known_for_five_minutes() -> None:
    times = iter([0.0, KNOWN_SECONDS - 1, KNOWN_SECONDS])
    known = KnownBlobs(clock=lambda: next(times))
    known.add("here", A)
    assert ("here", A) in known
    assert ("here", A) not in known


def test_the_blobs_of_one_repository_are_forgotten() -> None:
    known = KnownBlobs()
    for repo in ("here", "there"):
        known.add(repo, A)
    known.forget("here")
    assert [(repo, A) in known for repo in ("here", "there")] == [False, True]


def test_the_oldest_are_dropped_when_there_are_too_many() -> None:
    known = KnownBlobs()
    for digest in (A, B, A):
        known.add("here", digest)
    for number in range(KNOWN_BLOBS - 1):
        known.add("here", digest_of(str(number).encode()))
    assert [("here", digest) in known for digest in (A, B)] == [True, False]
