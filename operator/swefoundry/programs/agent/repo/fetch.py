"""Fetch the source that agents read from the registry, and extract it into the pod's own folder.

Agents only read it, and nothing of it is run. Its links may lead anywhere; ``.git`` is left out, because the clean
tree's one commit says nothing.
"""

import asyncio
from dataclasses import replace
from pathlib import Path

from swefoundry.archives.archive_errors import ArchiveRejected
from swefoundry.archives.archive_policy import SOURCE_POLICY, GitPolicy
from swefoundry.archives.extract import extract
from swefoundry.contracts.digests import Digest
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource, fetch_source

AGENT_SOURCE_POLICY = replace(SOURCE_POLICY, git=GitPolicy.SKIP)


async def fetch_tree(registry: RegistryClient, repository: str, source: Digest, folder: Path) -> Path:
    """The tree's folder; everything in it may be hostile, links included."""
    archive, root = folder / SOURCE_FILE, folder / "source"
    await fetch_source(registry, repository, source, archive)
    try:
        await asyncio.to_thread(extract, archive, root, AGENT_SOURCE_POLICY)
    except ArchiveRejected as error:
        raise InvalidSource(f"the source {source} cannot be unpacked: {error}") from error
    archive.unlink()
    return root
