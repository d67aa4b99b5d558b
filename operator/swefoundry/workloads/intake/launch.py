"""Start intake pods: turn the spec's references into files and blobs that the pod can read; parse its result."""

from dataclasses import dataclass, field

from swefoundry.api.taskinstance import Patch
from swefoundry.api.types import KeyRef, Source
from swefoundry.contracts.git_mirrors import mirror_of
from swefoundry.contracts.intake import (
    ArchiveOrigin,
    ArtifactOrigin,
    GitOrigin,
    IntakeResult,
    IntakeSpec,
    Origin,
    PatchSource,
)
from swefoundry.settings import Settings
from swefoundry.text.urls import host_and_port
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, Wait
from swefoundry.workloads.intake.pod import PATCH_MOUNT, TOKEN_MOUNT, intake_pod
from swefoundry.workloads.lifecycle import PodStarted, Queued, count_finished_pod, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.volumes import registry_location


@dataclass(frozen=True)
class IntakeFinished:
    """The intake pod ended with this result."""

    move: CollectResult
    record: IntakeResult


@dataclass(frozen=True)
class IntakeRequest:
    """A source and its patches, as the manifest names them."""

    repo: str
    repository: str
    source: Source | None
    base_commit: str | None
    version: str | None
    test_patch: Patch | None = None
    gold_patch: Patch | None = None
    mutants: bool = False
    """Whether to store the mutants of the gold patch."""
    later_clock: bool = False
    """Whether to store a layer for an evaluation with a later clock."""


@dataclass
class PodInputs:
    """Volumes that the pod mounts.

    They are optional: a pod whose volume does not exist waits, and its status does not say why.
    """

    volumes: list[JsonDict] = field(default_factory=list)


async def launch_intake(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, request: IntakeRequest
) -> PodStarted | Queued | Wait:
    """Create the intake pod, unless a host that it would ask is away."""

    async def prepare() -> JsonDict:
        inputs = PodInputs()
        spec = IntakeSpec(
            nonce=ref.nonce,
            place=registry_location(context.settings, request.repository),
            origin=_origin(request, inputs, context.settings),
            test_patch=await _patch_source(context, request, request.test_patch, "test", inputs),
            gold_patch=await _patch_source(context, request, request.gold_patch, "gold", inputs),
            version=request.version,
            mutants=request.mutants or None,
            later_clock=request.later_clock or None,
        )
        return intake_pod(ref, spec, context.settings, tuple(inputs.volumes))

    return await start_pod(context, ref, move, prepare, _hosts(context, request))


def finished_intake(move: CollectResult) -> IntakeFinished:
    """The result of an intake pod."""
    count_finished_pod(move)
    return IntakeFinished(move, IntakeResult.model_validate(move.result.record))


def _hosts(context: ReconcileContext, request: IntakeRequest) -> set[str]:
    source = _asked_host(_origin(request, PodInputs(), context.settings))
    return {source, context.settings.registry_push}


def _asked_host(origin: Origin) -> str:
    match origin:
        case GitOrigin(url=url, mirrors=dict() as mirrors):
            return host_and_port(mirror_of(url, mirrors) or url)
        case GitOrigin(url=url) | ArchiveOrigin(url=url):
            return host_and_port(url)
        case ArtifactOrigin():
            return ""


def _origin(request: IntakeRequest, inputs: PodInputs, settings: Settings) -> Origin:
    source = request.source
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
        inputs.volumes.append(
            {
                "name": "git-token",
                "mountPath": TOKEN_MOUNT,
                "secret": {"secretName": ref.name, "items": items, "optional": True},
            }
        )
        token_file = f"{TOKEN_MOUNT}/token"
        token_named = _manifest_reference("source.git.tokenSecretRef", "Secret", ref)
    url = git.url if git is not None else f"https://github.com/{request.repo}.git"
    return GitOrigin(
        url=url,
        commit=request.base_commit or "",
        token_file=token_file,
        token_named=token_named,
        submodules=git is not None and git.submodules,
        lfs=git is not None and git.lfs,
        mirrors=settings.git_mirrors or None,
    )


def _manifest_reference(field: str, kind: str, ref: KeyRef) -> str:
    return f"spec.{field}: {kind} {ref.name} with the key {ref.key}"


async def _patch_source(
    context: ReconcileContext, request: IntakeRequest, patch: Patch | None, name: str, inputs: PodInputs
) -> PatchSource | None:
    if patch is None:
        return None
    if patch.artifact is not None:
        named = f"spec.{name}Patch.artifact: blob {patch.artifact} in the repository {request.repository}"
        return PatchSource(blob=patch.artifact, named=named)
    if patch.config_map_ref is not None:
        ref = patch.config_map_ref
        mount = f"{PATCH_MOUNT}/{name}"
        items = [{"key": ref.key, "path": "patch"}]
        inputs.volumes.append(
            {
                "name": f"{name}-patch",
                "mountPath": mount,
                "configMap": {"name": ref.name, "items": items, "optional": True},
            }
        )
        return PatchSource(
            path=f"{mount}/patch", named=_manifest_reference(f"{name}Patch.configMapRef", "ConfigMap", ref)
        )
    # Inline patches may exceed what an environment string holds; the registry takes any size, once per content.
    return PatchSource(
        blob=await context.registry.put_blob(request.repository, (patch.inline or "").encode(), new=True)
    )
