"""Base images are looked up where builds pull them from, and only an answer that they do not exist counts."""

from collections.abc import Collection

import pytest

from swefoundry.oci.base_images import (
    CACHE_SECONDS,
    BaseImageLookup,
    ImageHosts,
    PulledImage,
    missing_image_message,
    pulled_image,
)
from swefoundry.oci.content import OCI_MANIFEST, descriptor
from swefoundry.oci.registry_client import RegistryClient

HUB = "registry-1.docker.io"


@pytest.mark.parametrize(
    ("image", "mirrors", "expected"),
    [
        ("python:3.11-slim", {}, PulledImage(HUB, "library/python", "3.11-slim")),
        ("docker.io/bitnami/node", {}, PulledImage(HUB, "bitnami/node", "latest")),
        ("ghcr.io/a/b@sha256:00", {}, PulledImage("ghcr.io", "a/b", "sha256:00")),
        ("host:5000/a:1", {}, PulledImage("host:5000", "a", "1")),
        ("node:20", {"docker.io": "mirror:5000"}, PulledImage("mirror:5000", "library/node", "20")),
        ("node:20", {"docker.io": "mirror/hub/"}, PulledImage("mirror", "hub/library/node", "20")),
    ],
    ids=["Docker Hub", "without a tag", "by digest", "a port", "a mirror", "a mirror with a path"],
)
def test_an_image_is_looked_up_where_builds_pull_it_from(
    image: str, mirrors: dict[str, str], expected: PulledImage
) -> None:
    assert pulled_image(image, mirrors) == expected


class CountedLookup:
    """A lookup in the registry at ``host``, which mirrors Docker Hub, with a clock of its own."""

    def __init__(self, host: str) -> None:
        self.opened: list[str] = []
        self.now = 0.0
        hosts = ImageHosts.of({"docker.io": host}, host, [])
        self.lookup = BaseImageLookup(hosts, self._open, lambda: self.now)

    def _open(self, host: str) -> RegistryClient:
        self.opened.append(host)
        return RegistryClient(host, insecure=True, retry_seconds=0)

    async def missing(self, *images: str, away: Collection[str] = ()) -> list[str]:
        return await self.lookup.missing(images, away)


async def push_image(registry: RegistryClient, repository: str, tag: str) -> None:
    config = await registry.put_blob(repository, b"{}")
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config, 2),
        "layers": [],
    }
    await registry.put_manifest(repository, manifest, OCI_MANIFEST, tag)


async def test_only_an_image_that_does_not_exist_is_missing(
    registry: RegistryClient, registry_host: str
) -> None:
    await push_image(registry, "library/lookup", "1")
    counted = CountedLookup(registry_host)
    assert await counted.missing("lookup:2", "lookup:1", "no-such-image", "lookup:2") == [
        "lookup:2",
        "no-such-image",
    ]


async def test_results_are_kept_for_a_time(registry: RegistryClient, registry_host: str) -> None:
    counted = CountedLookup(registry_host)
    assert await counted.missing("late:1") == ["late:1"]
    await push_image(registry, "library/late", "1")
    assert await counted.missing("late:1") == ["late:1"]
    assert counted.opened == [registry_host]
    assert counted.lookup.known_missing == ["docker.io/library/late:1"]
    counted.now += CACHE_SECONDS
    assert await counted.missing("late:1") == counted.lookup.known_missing == []


async def test_a_registry_that_does_not_answer_says_nothing_about_an_image() -> None:
    counted = CountedLookup("127.0.0.1:1")
    assert await counted.missing("python:3.11") == []
    assert counted.opened == ["127.0.0.1:1"]


async def test_neither_a_host_that_is_away_nor_one_that_only_a_draft_names_is_asked(
    registry_host: str,
) -> None:
    counted = CountedLookup(registry_host)
    assert await counted.missing("no-such-image", away=[registry_host]) == []
    assert await counted.missing("elsewhere.example/secret:1") == []
    assert counted.opened == []


async def test_an_image_that_a_build_could_not_pull_is_missing_without_a_request(registry_host: str) -> None:
    counted = CountedLookup(registry_host)
    counted.lookup.remember_missing("elsewhere.example/private")
    assert await counted.missing("elsewhere.example/private:latest") == ["elsewhere.example/private:latest"]
    assert counted.opened == []


def test_the_message_names_missing_images_and_those_to_choose_from() -> None:
    assert [
        missing_image_message(["node:99"], ["node:20", "node:18"]),
        missing_image_message(["a:1", "b:1"], []),
    ] == [
        "The registry says that node:99 does not exist; images that exist: node:20, node:18.",
        "The registry says that a:1, b:1 do not exist; use an image that exists.",
    ]
