"""Store and fetch a source: an artifact with one layer, the gzip tar of a clean tree.

Intakes store it; later intakes, builds, checkouts and agents fetch it.
"""

from pathlib import Path

from swefoundry.contracts.digests import Digest
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.artifacts import ArtifactLayer, push_layers
from swefoundry.oci.content import OCI_LAYER
from swefoundry.oci.registry_client import RegistryClient

SOURCE_FILE = "source.tar.gz"


class InvalidSource(PermanentError):
    """The artifact does not exist, or does not contain a source."""


async def push_source(registry: RegistryClient, repo: str, archive: Path) -> Digest:
    """Store a clean tree's archive and return its digest; equal trees have equal digests."""
    digest, size = await registry.put_blob_file(repo, archive)
    return await push_layers(registry, repo, "source", [ArtifactLayer(SOURCE_FILE, OCI_LAYER, digest, size)])


async def fetch_source(registry: RegistryClient, repo: str, source: Digest, archive: Path) -> None:
    """Write a source's archive to ``archive``; raise InvalidSource when there is none."""
    try:
        manifest = await registry.get_manifest(repo, source)
        layers = manifest.content.get("layers", [])
        if len(layers) != 1:
            raise InvalidSource(f"the artifact {source} has {len(layers)} layers; a source has one")
        await registry.get_blob_to(repo, layers[0]["digest"], archive)
    except NotFound as error:
        raise InvalidSource(f"the source {source} is not in {repo}") from error
