"""Make and store the mutants of a gold patch: the trees of `after` without one of its hunks."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from swefoundry.contracts.digests import Layer
from swefoundry.contracts.mutants import MAX_MUTANTS, Mutant, MutantList, StoredMutants
from swefoundry.contracts.stages import Stage
from swefoundry.git import Git
from swefoundry.oci.artifacts import FILE_MEDIA_TYPE, ArtifactLayer, push_layers
from swefoundry.oci.content import OCI_LAYER
from swefoundry.oci.overlays import TreeListing, stage_changes, stage_layer
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.patches.hunk_omission import PatchPart, evenly_spaced, patch_parts, without_part
from swefoundry.patches.patch_parser import parse_patch
from swefoundry.programs.intake import worktree
from swefoundry.programs.intake.intake_errors import IntakeRejected
from swefoundry.programs.intake.patches import ReadPatch, apply_patch


async def store_mutants(
    registry: RegistryClient,
    repository: str,
    git: Git,
    patches: Mapping[Stage, ReadPatch | None],
    base: TreeListing,
    runner: bytes,
) -> StoredMutants | None:
    """Push the mutants and the list of them; None when a patch moves submodules, whose files are in no patch.

    A patch with one hunk has none: its mutant is the tree of `before`. Leaves the work tree as one of them.
    """
    test, gold = patches[Stage.BEFORE], patches[Stage.AFTER]
    if gold is None or any(patch and patch.parsed.gitlinks for patch in (test, gold)):
        return None
    parts = patch_parts(gold.parsed)
    before = await _tree_of_before(git, test)
    mutants: list[Mutant] = []
    for part in evenly_spaced(parts, MAX_MUTANTS) if len(parts) > 1 else ():
        await git.run("read-tree", "--reset", "-u", before)
        if (built := await _layer_without(part, gold, git, base, runner)) is not None:
            data, layer = built
            await registry.put_blob(repository, data)
            mutants.append(
                Mutant(path=part.file.path.decode("utf-8", "replace"), line=part.line, layer=layer)
            )
    content = MutantList(mutants=mutants).to_json().encode()
    blob = await registry.put_blob(repository, content)
    layers = [
        ArtifactLayer(f"{number}.tar.gz", OCI_LAYER, mutant.layer.digest, mutant.layer.size)
        for number, mutant in enumerate(mutants)
    ]
    listed = ArtifactLayer("mutants.json", FILE_MEDIA_TYPE, blob, len(content))
    await push_layers(registry, repository, "mutants", [*layers, listed])
    return StoredMutants(blob=blob, count=len(mutants), hunks=len(parts))


async def _tree_of_before(git: Git, test: ReadPatch | None) -> str:
    await git.run("read-tree", "--reset", "-u", "HEAD")
    if test is not None:
        await apply_patch(git, test)
    return await git.line("write-tree")


async def _layer_without(
    part: PatchPart, gold: ReadPatch, git: Git, base: TreeListing, runner: bytes
) -> tuple[bytes, Layer] | None:
    """The layer of `after` without a part of the gold patch; None when the rest does not apply."""
    content = without_part(gold.content, part)
    try:
        await apply_patch(git, replace(gold, content=content, parsed=parse_patch(content)))
    except IntakeRejected:
        return None
    changes = stage_changes(base, await worktree.worktree_listing(git))
    files = await asyncio.to_thread(worktree.worktree_contents, git.folder, changes.replaced)
    return await asyncio.to_thread(stage_layer, changes, files, runner)
