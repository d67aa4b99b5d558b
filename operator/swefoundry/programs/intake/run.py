"""An intake from spec to result: source, patches, stage layers, facts."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from swefoundry.contracts.digests import Layer
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.intake import IntakeResult, IntakeSpec
from swefoundry.contracts.stages import Stage
from swefoundry.errors import PermanentError
from swefoundry.git import Git
from swefoundry.oci.artifacts import FILE_MEDIA_TYPE, ArtifactLayer, push_layers
from swefoundry.oci.content import OCI_LAYER, digest_of
from swefoundry.oci.overlays import StageChanges, TreeListing, stage_changes, stage_layer
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake import fact_collector as facts_of
from swefoundry.programs.intake import worktree
from swefoundry.programs.intake.gold_reversal import gold_difference
from swefoundry.programs.intake.intake_errors import IntakeRejected
from swefoundry.programs.intake.lfs import pointers_of
from swefoundry.programs.intake.mutant_trees import store_mutants
from swefoundry.programs.intake.patch_reader import read_patches
from swefoundry.programs.intake.patches import ReadPatch, apply_patch, require_named_changes
from swefoundry.programs.intake.sources import StoredSource, prepare_source
from swefoundry.programs.intake.submodule_patches import apply_gitlinks
from swefoundry.programs.intake.unfetched import (
    lfs_note,
    require_imported_submodules,
    require_patched_pointers,
    submodules_note,
    unmapped_note,
)
from swefoundry.programs.intake.workspace import Workspace

CLOCK_LAYER = "clock"
"""Name of the layer of `after` with the clock library, beside those of the stages."""
_NOTES = 6
_NOTE_CHARACTERS = 300

Progress = Callable[[str], None]


async def run_intake(
    spec: IntakeSpec, registry: RegistryClient, workspace: Workspace, progress: Progress
) -> IntakeResult:
    """The result of a good intake. Raises ``IntakeRejected`` when the instance is at fault."""
    # Patches first: a form that cannot be judged needs no source.
    patches = await read_patches(spec, registry)
    source = await prepare_source(spec, registry, workspace)
    progress(f"source {source.digest}, tag {source.tree.tag}")
    git, runner = source.tree.git, await asyncio.to_thread(workspace.runner.read_bytes)
    base = await worktree.worktree_listing(git)
    facts = await asyncio.to_thread(_source_facts, source, base)
    layers: dict[str, tuple[bytes, Layer]] = {Stage.BASE: stage_layer(StageChanges(), {}, runner)}
    before = now = base
    for stage, patch in patches.items():
        if patch is not None:
            before = now
            await _apply(git, patch, source)
            now = await worktree.worktree_listing(git)
            require_named_changes(patch, before, now)
        layers[stage] = await asyncio.to_thread(
            _stage_layer, source.tree.root, patch, stage_changes(base, now), runner
        )
        if stage is Stage.BEFORE:
            facts = await asyncio.to_thread(_with_tests, facts, source.tree.root, base, now)
            require_imported_submodules(source.unfetched.gitlinks, facts)
        elif stage is Stage.AFTER:
            facts = await asyncio.to_thread(_with_fix, facts, source.tree.root, base, now)
        progress(f"stage {stage}: {layers[stage][1].size} bytes")
    if spec.later_clock:
        changes, library = (
            stage_changes(base, now),
            await asyncio.to_thread(workspace.clock_library.read_bytes),
        )
        layers[CLOCK_LAYER] = await asyncio.to_thread(
            _stage_layer, source.tree.root, patches[Stage.AFTER], changes, runner, library
        )
    result = await _store_results(spec, source, facts, layers, patches, registry)
    gold = patches[Stage.AFTER]
    # What a patch changes in submodules and files of Git LFS is not in its text alone.
    if gold is None or gold.parsed.gitlinks or source.further.lfs is not None:
        return result
    difference = await gold_difference(git, gold, before)
    repository = spec.place.repository
    mutants = await store_mutants(registry, repository, git, patches, base, runner) if spec.mutants else None
    return result.model_copy(update={"gold_difference": difference, "mutants": mutants})


async def _apply(git: Git, patch: ReadPatch, source: StoredSource) -> None:
    """Apply a patch with what it changes in submodules and in files of Git LFS."""
    lfs, touched = source.further.lfs, patch.parsed.touched
    if lfs is not None:
        await lfs.restore_pointers(git, touched)
    await apply_patch(git, patch)
    if lfs is not None:
        await lfs.fetch_changed(git, touched)
    else:
        pointers = source.unfetched.pointers | (await pointers_of(git)).keys()
        require_patched_pointers(patch.name, touched, pointers)
    if source.further.submodules is not None:
        await apply_gitlinks(git, patch, source.further.submodules)


def _stage_layer(
    root: Path,
    patch: ReadPatch | None,
    changes: StageChanges,
    runner: bytes,
    clock_library: bytes | None = None,
) -> tuple[bytes, Layer]:
    try:
        return stage_layer(changes, worktree.worktree_contents(root, changes.replaced), runner, clock_library)
    except PermanentError as error:
        if patch is None:
            raise
        raise IntakeRejected(patch.code, f"the {patch.name} patch cannot be stored: {error}") from error


def _source_facts(source: StoredSource, base: TreeListing) -> Facts:
    root = source.tree.root
    return facts_of.collect_facts(_files(base), _reader(root), source.commit, source.tree.tag)


def _with_tests(facts: Facts, root: Path, base: TreeListing, now: TreeListing) -> Facts:
    changed = _changed_files(base, now)
    return facts_of.with_test_facts(facts, changed, set(_files(base)), set(_files(now)), _reader(root))


def _with_fix(facts: Facts, root: Path, base: TreeListing, now: TreeListing) -> Facts:
    return facts_of.with_fixed_manifests(facts, _changed_files(base, now), _reader(root))


def _changed_files(base: TreeListing, now: TreeListing) -> list[str]:
    return [path for path in _files(now) if base.get(path.encode()) != now[path.encode()]]


def _files(listing: TreeListing) -> list[str]:
    """Regular files whose names are text: links are not followed, and JSON can hold no other names."""
    return sorted(_text(path) for path, blob in listing.items() if blob.mode != "120000" and _is_text(path))


def _is_text(path: bytes) -> bool:
    try:
        return bool(path.decode())
    except UnicodeDecodeError:
        return False


def _text(path: bytes) -> str:
    return path.decode()


def _reader(root: Path) -> facts_of.FileReader:
    return lambda path: worktree.read_file(root, path.encode())


async def _store_results(
    spec: IntakeSpec,
    source: StoredSource,
    facts: Facts,
    layers: Mapping[str, tuple[bytes, Layer]],
    patches: Mapping[Stage, ReadPatch | None],
    registry: RegistryClient,
) -> IntakeResult:
    """Push layers, facts and patches, and an artifact that names them, so that garbage collection keeps all."""
    repo, facts_json = spec.place.repository, facts_of.encode_facts(facts)
    applied = [patch for patch in patches.values() if patch is not None]
    blobs = {data for data, _ in layers.values()} | {facts_json} | set(_patch_files(applied).values())
    await asyncio.gather(*(registry.put_blob(repo, data) for data in blobs))
    parts = [
        *(
            ArtifactLayer(f"{name}.tar.gz", OCI_LAYER, layer.digest, layer.size)
            for name, (_, layer) in layers.items()
        ),
        ArtifactLayer("facts.json", FILE_MEDIA_TYPE, digest_of(facts_json), len(facts_json)),
        *(
            ArtifactLayer(name, FILE_MEDIA_TYPE, digest_of(data), len(data))
            for name, data in _patch_files(applied).items()
        ),
    ]
    await push_layers(registry, repo, "intake", parts)
    return IntakeResult(
        nonce=spec.nonce,
        code=ExitCode.OK,
        source=source.digest,
        layers={stage: layers[stage][1] for stage in Stage if stage in layers},
        clock_layer=layers[CLOCK_LAYER][1] if CLOCK_LAYER in layers else None,
        facts=digest_of(facts_json),
        fingerprint=facts.fingerprint,
        language=facts_of.language(facts),
        test_files=len(facts.test_files),
        patches={patch.name: patch.digest for patch in applied},
        notes=_notes(source, applied),
    )


def _notes(source: StoredSource, patches: Sequence[ReadPatch]) -> list[str]:
    """Notes of bounded length: a termination message has 4096 bytes."""
    submodules = source.further.submodules
    notes = [note for patch in patches for note in patch.notes]
    notes += unmapped_note(submodules.unmapped) if submodules else submodules_note(source.unfetched.gitlinks)
    notes += lfs_note(source.unfetched.pointers)
    return [note[:_NOTE_CHARACTERS] for note in notes[:_NOTES]]


def _patch_files(patches: Sequence[ReadPatch]) -> dict[str, bytes]:
    """The patches as they were applied and, where that differs, as the spec has them: it may name them by digest."""
    applied = {f"{patch.name}.patch": patch.content for patch in patches}
    given = {f"{patch.name}.given.patch": patch.given for patch in patches if patch.given != patch.content}
    return applied | given
