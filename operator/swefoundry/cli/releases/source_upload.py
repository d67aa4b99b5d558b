"""Storage of a release's tree in the registry, as the source artifact that an intake would make of it.

For releases that no single URL gives; a TaskInstance names the artifact by its digest.
"""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from swefoundry.cli.clients import RegistryTarget
from swefoundry.contracts.digests import Digest
from swefoundry.oci.deterministic_tar import pack_folder
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, push_source
from swefoundry.programs.intake.cleantree import from_folder

SourceUpload = Callable[[Path, str, str], Awaitable[Digest]]
"""Stores a tree for the repository ``owner/name`` and a version; returns the artifact's digest."""


def source_upload(registry: RegistryClient, target: RegistryTarget) -> SourceUpload:
    """The upload to the task repositories of a registry."""

    async def upload(root: Path, repo: str, version: str) -> Digest:
        tree = await from_folder(root, version)
        with tempfile.TemporaryDirectory(prefix="swefoundry-") as scratch:
            packed = Path(scratch) / SOURCE_FILE
            await asyncio.to_thread(pack_folder, tree.root, packed)
            return await push_source(registry, target.repository(repo), packed)

    return upload
