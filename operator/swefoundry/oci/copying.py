"""Copy an image or artifact from one registry to another: blob by blob, then the manifest, unchanged.

Existing blobs are not sent again, so an interrupted copy continues where it was. Each blob passes through a file,
because layers may be larger than memory.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from swefoundry.contracts.digests import Digest
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.content import INDEX_TYPES
from swefoundry.oci.registry_client import RegistryClient


@dataclass(frozen=True)
class Repository:
    """A repository of a registry."""

    registry: RegistryClient
    path: str

    async def has(self, manifest: Digest) -> bool:
        """Whether the repository has the manifest."""
        try:
            await self.registry.get_manifest(self.path, manifest)
        except NotFound:
            return False
        return True


async def copy_manifest(source: Repository, target: Repository, digest: Digest, tag: str) -> None:
    """Copy what a manifest refers to, then the manifest, under a tag that protects it from garbage collection."""
    if await target.has(digest):
        return
    manifest = await source.registry.get_manifest(source.path, digest)
    if manifest.media_type in INDEX_TYPES:
        raise PermanentError(
            f"{source.path}@{digest} is an index of several images; only single images are copied"
        )
    blobs = [manifest.content["config"], *manifest.content.get("layers", [])]
    with tempfile.TemporaryDirectory(prefix="swefoundry-copy-") as folder:
        for blob in {entry["digest"]: entry for entry in blobs}:
            await _copy_blob(source, target, blob, Path(folder) / "blob")
    await target.registry.put_manifest_bytes(target.path, manifest.body, manifest.media_type, tag)


async def _copy_blob(source: Repository, target: Repository, digest: Digest, path: Path) -> None:
    if await target.registry.has_blob(target.path, digest):
        return
    await source.registry.get_blob_to(source.path, digest, path)
    await target.registry.put_blob_file(target.path, path)
