"""Sending a source and its patches to an intake pod: how the spec's references become files and blobs that
the pod can read; and what it leaves.
"""

from dataclasses import dataclass, field

from swefoundry.api.taskinstance import Patch
from swefoundry.api.types import KeyRef, Source
from swefoundry.contracts.intake import (
    ArchiveOrigin,
    ArtifactOrigin,
    GitOrigin,
    IntakeOrder,
    IntakeRecord,
    Origin,
    PatchAt,
)
from swefoundry.contracts.registry_location import Place
from swefoundry.settings import Settings
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Collect, Launch
from swefoundry.workloads.intake.pod import PATCH_MOUNT, TOKEN_MOUNT, intake_pod
from swefoundry.workloads.lifecycle import Launched, Queued, count_end, launch
from swefoundry.workloads.pod_spec import Json, Role, Ticket
from swefoundry.workloads.volumes import auth_file


@dataclass(frozen=True)
class TakenIn:
    """The intake pod ended with this record."""

    move: Collect
    record: IntakeRecord


@dataclass(frozen=True)
class Intake:
    """What is to be taken in."""

    repo: str
    repository: str
    source: Source | None
    base_commit: str | None
    version: str | None
    test_patch: Patch | None = None
    gold_patch: Patch | None = None


@dataclass
class Shipment:
    """Files that the pod mounts.

    Optional ones: a pod whose volume does not exist waits without a word in its status.
    """

    volumes: list[Json] = field(default_factory=list)


async def launch_intake(
    context: ReconcileContext, ticket: Ticket, move: Launch, what: Intake
) -> Launched | Queued:
    """Create the intake pod."""

    async def prepare() -> Json:
        shipment = Shipment()
        order = IntakeOrder(
            nonce=ticket.nonce,
            place=place(context.settings, what.repository),
            origin=_origin(what, shipment),
            test_patch=await _patch(context, what, what.test_patch, "test", shipment),
            gold_patch=await _patch(context, what, what.gold_patch, "gold", shipment),
            version=what.version,
        )
        return intake_pod(ticket, order, context.settings, tuple(shipment.volumes))

    return await launch(context, ticket, move, prepare)


def taken_in(move: Collect) -> TakenIn:
    """What an intake pod left."""
    count_end(Role.INTAKE, move)
    return TakenIn(move, IntakeRecord.model_validate(move.finished.record))


def place(settings: Settings, repository: str) -> Place:
    """Where task pods find and leave content."""
    return Place(
        registry=settings.registry_push,
        insecure=settings.registry_insecure,
        repository=repository,
        auth_file=auth_file(settings),
    )


def _origin(what: Intake, shipment: Shipment) -> Origin:
    source = what.source
    if source is not None and source.archive is not None:
        archive = source.archive
        return ArchiveOrigin(
            url=archive.url, sha256=archive.sha256, strip_components=archive.strip_components
        )
    if source is not None and source.artifact is not None:
        return ArtifactOrigin(digest=source.artifact.digest)
    git = source.git if source is not None else None
    token_file, token_named = None, ""
    if git is not None and git.token_secret_ref is not None:
        ref = git.token_secret_ref
        items = [{"key": ref.key, "path": "token"}]
        shipment.volumes.append(
            {
                "name": "git-token",
                "mountPath": TOKEN_MOUNT,
                "secret": {"secretName": ref.name, "items": items, "optional": True},
            }
        )
        token_file = f"{TOKEN_MOUNT}/token"
        token_named = _named("source.git.tokenSecretRef", "Secret", ref)
    url = git.url if git is not None else f"https://github.com/{what.repo}.git"
    return GitOrigin(url=url, commit=what.base_commit or "", token_file=token_file, token_named=token_named)


def _named(field: str, kind: str, ref: KeyRef) -> str:
    return f"spec.{field}: {kind} {ref.name} with the key {ref.key}"


async def _patch(
    context: ReconcileContext, what: Intake, patch: Patch | None, name: str, shipment: Shipment
) -> PatchAt | None:
    if patch is None:
        return None
    if patch.artifact is not None:
        named = f"spec.{name}Patch.artifact: blob {patch.artifact} in the repository {what.repository}"
        return PatchAt(blob=patch.artifact, named=named)
    if patch.config_map_ref is not None:
        ref = patch.config_map_ref
        mount = f"{PATCH_MOUNT}/{name}"
        items = [{"key": ref.key, "path": "patch"}]
        shipment.volumes.append(
            {
                "name": f"{name}-patch",
                "mountPath": mount,
                "configMap": {"name": ref.name, "items": items, "optional": True},
            }
        )
        return PatchAt(path=f"{mount}/patch", named=_named(f"{name}Patch.configMapRef", "ConfigMap", ref))
    # Inline patches may exceed what an environment string holds; the registry takes any size, once per content.
    return PatchAt(blob=await context.registry.put_blob(what.repository, (patch.inline or "").encode()))


INTAKE = "intake"
"""Name of the intake's work."""
