"""How does each kind of origin become a clean tree in the registry?"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.intake import ArchiveOrigin, ArtifactOrigin, GitOrigin, IntakeSpec
from swefoundry.oci.deterministic_tar import pack_folder
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.source_store import SOURCE_FILE, InvalidSource, fetch_source, push_source
from swefoundry.programs.intake.cleantree import CleanTree, from_commit, from_folder, from_source
from swefoundry.programs.intake.commits import fetch
from swefoundry.programs.intake.download import download
from swefoundry.programs.intake.extract import remove, unpack, unpack_source
from swefoundry.programs.intake.intake_errors import mismatch
from swefoundry.programs.intake.workspace import Bench


@dataclass(frozen=True)
class Source:
    """A clean tree on disk and in the registry."""

    tree: CleanTree
    digest: Digest
    commit: str
    """The one that was fetched from git; the clean tree's own for what came without."""


async def obtain(order: IntakeSpec, registry: RegistryClient, bench: Bench) -> Source:
    """Fetch the order's origin, make the clean tree, and store it."""
    match order.origin:
        case GitOrigin() as origin:
            fetched = await fetch(origin, bench.folder, bench.patience)
            tree = await from_commit(fetched.git, fetched.commit, bench.folder / "tree", fetched.tag)
            await asyncio.to_thread(remove, fetched.git.folder)
            return Source(tree, await _store(tree, order, registry, bench), origin.commit)
        case ArchiveOrigin() as origin:
            archive = bench.folder / "archive"
            await download(origin, archive, bench.patience)
            await asyncio.to_thread(unpack, archive, bench.folder / "tree", origin.strip_components)
            await asyncio.to_thread(remove, archive)
            tree = await from_folder(bench.folder / "tree", order.version)
            return Source(tree, await _store(tree, order, registry, bench), tree.commit)
        case ArtifactOrigin(digest=digest):
            tree = await _stored(digest, order.place.repository, registry, bench.folder)
            return Source(tree, digest, tree.commit)


async def _store(tree: CleanTree, order: IntakeSpec, registry: RegistryClient, bench: Bench) -> Digest:
    packed = bench.folder / SOURCE_FILE
    await asyncio.to_thread(pack_folder, tree.root, packed)
    digest = await push_source(registry, order.place.repository, packed)
    await asyncio.to_thread(remove, packed)
    return digest


async def _stored(digest: Digest, repo: str, registry: RegistryClient, folder: Path) -> CleanTree:
    packed = folder / SOURCE_FILE
    try:
        await fetch_source(registry, repo, digest, packed)
    except InvalidSource as error:
        raise mismatch(str(error)) from error
    await asyncio.to_thread(unpack_source, packed, folder / "tree")
    await asyncio.to_thread(remove, packed)
    return await from_source(folder / "tree")
