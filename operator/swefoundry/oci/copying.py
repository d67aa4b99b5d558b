"""How does an image or an artifact get from one registry to another? Blob by blob, then the manifest, unchanged.

Blobs that are there already are not sent again, so a copy that was interrupted goes on where it was. They pass through
a file each, because layers may be larger than memory.
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
        """Whether the manifest is there."""
        try:
            await self.registry.get_manifest(self.path, manifest)
        except NotFound:
            return False
        return True


async def copy_manifest(source: Repository, target: Repository, digest: Digest, tag: str) -> None:
    """Copy what a manifest refers to, then the manifest itself, under a tag that keeps it."""
    if await target.has(digest):
        return
    manifest = await source.registry.get_manifest(source.path, digest)
    if manifest.media_type in INDEX_TYPES:
        raise PermanentError(f"{source.path}@{digest} is an index of several images, which are not copied")
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
