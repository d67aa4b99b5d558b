"""How does each kind of origin become a clean tree in the registry?"""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from swefoundry.domain.layers import Digest
from swefoundry.domain.work import ArchiveOrigin, ArtifactOrigin, GitOrigin, IntakeOrder
from swefoundry.errors import NotFound
from swefoundry.intake.bench import Bench
from swefoundry.intake.cleantree import CleanTree, from_commit, from_folder, from_source
from swefoundry.intake.commits import fetch
from swefoundry.intake.download import download
from swefoundry.intake.refusals import mismatch
from swefoundry.intake.unpacking import remove, unpack, unpack_source
from swefoundry.store.artifacts import Part, push_parts
from swefoundry.store.content import OCI_LAYER
from swefoundry.store.registry import Registry
from swefoundry.store.tars import pack_folder

SOURCE_FILE = "source.tar.gz"


@dataclass(frozen=True)
class Source:
    """A clean tree on disk and in the registry."""

    tree: CleanTree
    digest: Digest
    commit: str | None = None


async def obtain(order: IntakeOrder, registry: Registry, bench: Bench) -> Source:
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
            return Source(tree, await _store(tree, order, registry, bench))
        case ArtifactOrigin(digest=digest):
            return Source(await _stored(digest, order.place.repository, registry, bench.folder), digest)


async def _store(tree: CleanTree, order: IntakeOrder, registry: Registry, bench: Bench) -> Digest:
    packed = bench.folder / SOURCE_FILE
    await asyncio.to_thread(pack_folder, tree.root, packed)
    digest, size = await registry.put_blob_file(order.place.repository, packed)
    await asyncio.to_thread(remove, packed)
    parts = [Part(SOURCE_FILE, OCI_LAYER, digest, size)]
    return await push_parts(registry, order.place.repository, "source", parts)


async def _stored(digest: Digest, repo: str, registry: Registry, folder: Path) -> CleanTree:
    packed = folder / SOURCE_FILE
    try:
        manifest = await registry.get_manifest(repo, digest)
        layers = manifest.content.get("layers", [])
        if len(layers) != 1:
            raise mismatch(f"the artifact {digest} has {len(layers)} layers; a source has one")
        await registry.get_blob_to(repo, layers[0]["digest"], packed)
    except NotFound as error:
        raise mismatch(f"the source artifact {digest} is not in {repo}") from error
    await asyncio.to_thread(unpack_source, packed, folder / "tree")
    await asyncio.to_thread(remove, packed)
    return await from_source(folder / "tree")
