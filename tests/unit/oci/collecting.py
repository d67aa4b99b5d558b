"""Run a registry's garbage collection on a folder that is not being served."""

import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from swefoundry.errors import NotFound
from swefoundry.oci.artifacts import push_artifact
from swefoundry.oci.registry_client import RegistryClient
from unit.oci.registry_server import program

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OF_A_DIGEST = re.compile(r"sha256-|env-|draft-|trial-|turn-")
_LARGEST = 1 << 30


def collect_garbage(folder: Path) -> None:
    """Remove what no tag leads to from the registry that `registry_server.serving` ran in this folder."""
    command = [str(program()), "garbage-collect", "--delete-untagged", str(folder / "registry.yml")]
    subprocess.run(command, check=True, capture_output=True)


async def take_human_tags(registry: RegistryClient, repo: str) -> None:
    """Let every tag that does not follow from a digest stand for something else, as a namesake's work does."""
    other = await push_artifact(registry, repo, "other", {})
    found = await registry.get_manifest(repo, other)
    for tag in await registry.list_tags(repo):
        if _OF_A_DIGEST.match(tag) is None:
            await registry.put_manifest_bytes(repo, found.body, found.media_type, tag)


def named(value: object) -> set[str]:
    """The digests of content that a status, a verdict or a row names. A diffId is of the tar inside a layer."""
    match value:
        case Mapping():
            return {digest for key, item in value.items() if key != "diffId" for digest in named(item)}
        case list():
            return {digest for item in value for digest in named(item)}
        case str():
            return set(_DIGEST.findall(value))
    return set()


async def bare(registry: RegistryClient, repo: str, digests: Iterable[str]) -> set[str]:
    """Which of them no manifest names that has a tag."""
    tags = await registry.list_tags(repo)
    return set(digests) - named([(await registry.get_manifest(repo, tag)).content for tag in tags])


async def missing_digests(registry: RegistryClient, repo: str, digests: Iterable[str]) -> list[str]:
    """Which of them cannot be read to the last byte: blobs, and manifests with all that they name."""
    return sorted([digest for digest in digests if not await _readable(registry, repo, digest)])


async def _readable(registry: RegistryClient, repo: str, digest: str) -> bool:
    try:
        # The other way round docker-registry 2.8 answers 500: it takes any blob for a manifest.
        if await registry.has_blob(repo, digest):
            blobs = {digest}
        else:
            found = await registry.get_manifest(repo, digest)
            blobs = named([found.content["config"], found.content["layers"]])
        for blob in blobs:
            await registry.get_blob(repo, blob, _LARGEST)
    except NotFound:
        return False
    return True
