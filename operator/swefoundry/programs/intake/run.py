"""An intake from spec to result: source, patches, stage layers, facts."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from swefoundry.contracts.digests import Layer
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.intake import IntakeResult, IntakeSpec, PatchSource
from swefoundry.contracts.stages import Stage
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.artifacts import FILE_MEDIA_TYPE, ArtifactLayer, push_layers
from swefoundry.oci.content import OCI_LAYER, digest_of
from swefoundry.oci.overlays import StageChanges, TreeListing, stage_changes, stage_layer
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake import fact_collector as facts_of
from swefoundry.programs.intake import worktree
from swefoundry.programs.intake.intake_errors import IntakeRejected, missing_source
from swefoundry.programs.intake.limits import PATCH_BYTES
from swefoundry.programs.intake.patches import apply_patch
from swefoundry.programs.intake.sources import StoredSource, prepare_source
from swefoundry.programs.intake.workspace import Workspace

Progress = Callable[[str], None]


@dataclass(frozen=True)
class _NamedPatch:
    """A patch, its name in messages, and the exit code for one that does not apply."""

    name: str
    location: PatchSource | None
    code: ExitCode
    stage: Stage


async def run_intake(
    spec: IntakeSpec, registry: RegistryClient, workspace: Workspace, progress: Progress
) -> IntakeResult:
    """The result of a good intake. Raises ``IntakeRejected`` when the instance is at fault."""
    repo = spec.place.repository
    source = await prepare_source(spec, registry, workspace)
    progress(f"source {source.digest}, tag {source.tree.tag}")
    git, runner = source.tree.git, await asyncio.to_thread(workspace.runner.read_bytes)
    base = await worktree.worktree_listing(git)
    facts = await asyncio.to_thread(_source_facts, source, base)
    layers = {Stage.BASE: stage_layer(StageChanges(), {}, runner)}
    patches: list[ArtifactLayer] = []
    for patch in (
        _NamedPatch("test", spec.test_patch, ExitCode.TEST_PATCH_REFUSED, Stage.BEFORE),
        _NamedPatch("gold", spec.gold_patch, ExitCode.GOLD_PATCH_REFUSED, Stage.AFTER),
    ):
        if patch.location is not None:
            diff = await _patch_bytes(patch, repo, registry)
            await apply_patch(git, diff, patch.name, patch.code)
            if patch.location.blob is not None:
                patches.append(
                    ArtifactLayer(f"{patch.name}.patch", FILE_MEDIA_TYPE, patch.location.blob, len(diff))
                )
        now = await worktree.worktree_listing(git)
        layers[patch.stage] = await asyncio.to_thread(
            _stage_layer, source.tree.root, patch, stage_changes(base, now), runner
        )
        if patch.stage is Stage.BEFORE:
            facts = await asyncio.to_thread(_with_tests, facts, source.tree.root, base, now)
        progress(f"stage {patch.stage}: {layers[patch.stage][1].size} bytes")
    return await _store_results(spec, source, facts, layers, patches, registry)


async def _patch_bytes(patch: _NamedPatch, repo: str, registry: RegistryClient) -> bytes:
    location = patch.location
    try:
        if location is not None and location.blob is not None:
            return await registry.get_blob(repo, location.blob, PATCH_BYTES)
        if location is not None and location.path is not None:
            return await asyncio.to_thread(Path(location.path).read_bytes)
    except (NotFound, FileNotFoundError) as error:
        raise missing_source(
            location.named if location and location.named else f"the {patch.name} patch"
        ) from error
    raise IntakeRejected(patch.code, f"the spec does not say where the {patch.name} patch is")


def _stage_layer(root: Path, patch: _NamedPatch, changes: StageChanges, runner: bytes) -> tuple[bytes, Layer]:
    try:
        return stage_layer(changes, worktree.worktree_contents(root, changes.replaced), runner)
    except PermanentError as error:
        raise IntakeRejected(patch.code, f"the {patch.name} patch cannot be stored: {error}") from error


def _source_facts(source: StoredSource, base: TreeListing) -> Facts:
    root = source.tree.root
    return facts_of.collect_facts(_files(base), _reader(root), source.commit, source.tree.tag)


def _with_tests(facts: Facts, root: Path, base: TreeListing, now: TreeListing) -> Facts:
    changed = [path for path in _files(now) if base.get(path.encode()) != now[path.encode()]]
    removed = [path for path in _files(base) if path.encode() not in now]
    return facts_of.with_test_facts(facts, changed, removed, set(_files(now)), _reader(root))


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
    layers: dict[Stage, tuple[bytes, Layer]],
    patches: list[ArtifactLayer],
    registry: RegistryClient,
) -> IntakeResult:
    """Push layers, facts, and an artifact that names them and the patches, so that garbage collection keeps all."""
    repo, facts_json = spec.place.repository, facts_of.encode_facts(facts)
    await asyncio.gather(
        *(registry.put_blob(repo, data) for data in {data for data, _ in layers.values()} | {facts_json})
    )
    parts = [
        *(
            ArtifactLayer(f"{stage}.tar.gz", OCI_LAYER, layer.digest, layer.size)
            for stage, (_, layer) in layers.items()
        ),
        ArtifactLayer("facts.json", FILE_MEDIA_TYPE, digest_of(facts_json), len(facts_json)),
        *patches,
    ]
    await push_layers(registry, repo, "intake", parts)
    return IntakeResult(
        nonce=spec.nonce,
        code=ExitCode.OK,
        source=source.digest,
        layers={stage: layer for stage, (_, layer) in layers.items()},
        facts=digest_of(facts_json),
        fingerprint=facts.fingerprint,
        language=facts_of.language(facts),
        test_files=len(facts.test_files),
    )
