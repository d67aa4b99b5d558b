"""One intake from order to record: source, patches, stage layers, facts."""

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
from swefoundry.oci.overlays import TreeChanges, TreeListing, stage_layer, tree_changes
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake import fact_collector as facts_of
from swefoundry.programs.intake import worktree
from swefoundry.programs.intake.intake_errors import Refused, missing
from swefoundry.programs.intake.limits import PATCH_BYTES
from swefoundry.programs.intake.patches import apply
from swefoundry.programs.intake.sources import Source, obtain
from swefoundry.programs.intake.workspace import Bench

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Named:
    """A patch, what people call it, and the code that says it does not apply."""

    name: str
    at: PatchSource | None
    code: ExitCode
    stage: Stage


async def take_in(order: IntakeSpec, registry: RegistryClient, bench: Bench, say: Say) -> IntakeResult:
    """Carry out an order; raises Refused when the row is at fault."""
    repo = order.place.repository
    source = await obtain(order, registry, bench)
    say(f"source {source.digest}, tag {source.tree.tag}")
    git, runner = source.tree.git, await asyncio.to_thread(bench.runner.read_bytes)
    base = await worktree.listing(git)
    facts = await asyncio.to_thread(_survey, source, base)
    layers = {Stage.BASE: stage_layer(TreeChanges(), {}, runner)}
    patches: list[ArtifactLayer] = []
    for patch in (
        _Named("test", order.test_patch, ExitCode.TEST_PATCH_REFUSED, Stage.BEFORE),
        _Named("gold", order.gold_patch, ExitCode.GOLD_PATCH_REFUSED, Stage.AFTER),
    ):
        if patch.at is not None:
            diff = await _bytes(patch, repo, registry)
            await apply(git, diff, patch.name, patch.code)
            if patch.at.blob is not None:
                patches.append(
                    ArtifactLayer(f"{patch.name}.patch", FILE_MEDIA_TYPE, patch.at.blob, len(diff))
                )
        now = await worktree.listing(git)
        layers[patch.stage] = await asyncio.to_thread(
            _layer, source.tree.root, patch, tree_changes(base, now), runner
        )
        if patch.stage is Stage.BEFORE:
            facts = await asyncio.to_thread(_with_tests, facts, source.tree.root, base, now)
        say(f"stage {patch.stage}: {layers[patch.stage][1].size} bytes")
    return await _stored(order, source, facts, layers, patches, registry)


async def _bytes(patch: _Named, repo: str, registry: RegistryClient) -> bytes:
    where = patch.at
    try:
        if where is not None and where.blob is not None:
            return await registry.get_blob(repo, where.blob, PATCH_BYTES)
        if where is not None and where.path is not None:
            return await asyncio.to_thread(Path(where.path).read_bytes)
    except (NotFound, FileNotFoundError) as error:
        raise missing(where.named if where and where.named else f"the {patch.name} patch") from error
    raise Refused(patch.code, f"the order does not say where the {patch.name} patch is")


def _layer(root: Path, patch: _Named, changes: TreeChanges, runner: bytes) -> tuple[bytes, Layer]:
    try:
        return stage_layer(changes, worktree.contents(root, changes.replaced), runner)
    except PermanentError as error:
        raise Refused(patch.code, f"the {patch.name} patch cannot be stored: {error}") from error


def _survey(source: Source, base: TreeListing) -> Facts:
    root = source.tree.root
    return facts_of.survey(_files(base), _reader(root), source.commit, source.tree.tag)


def _with_tests(facts: Facts, root: Path, base: TreeListing, now: TreeListing) -> Facts:
    changed = [path for path in _files(now) if base.get(path.encode()) != now[path.encode()]]
    removed = [path for path in _files(base) if path.encode() not in now]
    return facts_of.with_tests(facts, changed, removed, set(_files(now)), _reader(root))


def _files(listing: TreeListing) -> list[str]:
    """Regular files whose names are text: links are not followed, and no tool can be told another name in
    JSON.
    """
    return sorted(_text(path) for path, blob in listing.items() if blob.mode != "120000" and _is_text(path))


def _is_text(path: bytes) -> bool:
    try:
        return bool(path.decode())
    except UnicodeDecodeError:
        return False


def _text(path: bytes) -> str:
    return path.decode()


def _reader(root: Path) -> facts_of.Reader:
    return lambda path: worktree.read(root, path.encode())


async def _stored(
    order: IntakeSpec,
    source: Source,
    facts: Facts,
    layers: dict[Stage, tuple[bytes, Layer]],
    patches: list[ArtifactLayer],
    registry: RegistryClient,
) -> IntakeResult:
    """Push layers, facts, and an artifact that names them and the patches, so that garbage collection leaves all."""
    repo, said = order.place.repository, facts_of.encoded(facts)
    await asyncio.gather(
        *(registry.put_blob(repo, data) for data in {data for data, _ in layers.values()} | {said})
    )
    parts = [
        *(
            ArtifactLayer(f"{stage}.tar.gz", OCI_LAYER, layer.digest, layer.size)
            for stage, (_, layer) in layers.items()
        ),
        ArtifactLayer("facts.json", FILE_MEDIA_TYPE, digest_of(said), len(said)),
        *patches,
    ]
    await push_layers(registry, repo, "intake", parts)
    return IntakeResult(
        nonce=order.nonce,
        code=ExitCode.OK,
        source=source.digest,
        layers={stage: layer for stage, (_, layer) in layers.items()},
        facts=digest_of(said),
        fingerprint=facts.fingerprint,
        language=facts_of.language(facts),
        test_files=len(facts.test_files),
    )
