"""Start build pods: a draft and a source become an image."""

from dataclasses import dataclass

from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.dockerfile.render import command_step
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef, Role
from swefoundry.workloads.build.pod import BuildSize, build_pod
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import StartPod, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.volumes import ca_file, registry_location


@dataclass(frozen=True)
class BuildRequest:
    """A draft and the source it is built over."""

    repository: str
    source: Digest
    draft: Draft
    tag: str
    composed: Digest | None = None
    """Image that holds the source already: only the draft's rebuild command is run in it."""


async def launch_build(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, request: BuildRequest
) -> PodStarted | Queued | Wait:
    """Create the build pod."""
    settings = context.settings
    composed = _composed_image_name(request, settings)
    spec = BuildSpec(
        nonce=ref.nonce,
        place=registry_location(settings, request.repository),
        source=request.source,
        draft=request.draft if composed is None else rebuild_draft(request.draft, composed),
        composed=composed,
        tag=request.tag,
        cache=f"{request.repository}/cache",
        time_limit_seconds=settings.build_seconds,
        mirrors=settings.build_mirrors,
        allowed_bases=settings.allowed_bases,
        build_args=settings.build_args,
        ca_bundle=ca_file(settings),
    )

    async def prepare() -> JsonDict:
        use = context.usage_history.of_repository(request.repository, Role.BUILD)
        return build_pod(ref, spec, settings, BuildSize(move.memory_factor, move.full_requests, use))

    return await start_pod(context, ref, move, prepare, _hosts(context, spec))


def _hosts(context: ReconcileContext, spec: BuildSpec) -> set[str]:
    """The registry, and those hosts that are away and that the Dockerfile, build arguments or mirrors name.

    Which hosts a build asks is not known before; an index that is the default of its tool is learnt by failing.
    """
    texts = (spec.draft.dockerfile, *spec.build_args.values(), *spec.mirrors.values())
    named = {host for host in context.hosts.away if any(host in text for text in texts)}
    return named | {context.settings.registry_push}


def _composed_image_name(request: BuildRequest, settings: Settings) -> str | None:
    """The composed image as build pods pull it."""
    return (
        f"{settings.registry_push}/{request.repository}@{request.composed}"
        if request.composed is not None
        else None
    )


def rebuild_draft(draft: Draft, composed: str) -> Draft:
    """A draft whose Dockerfile runs only the rebuild command, in the composed image."""
    step = command_step(draft.rebuild_command or "true")
    return draft.model_copy(update={"dockerfile": f"FROM {composed}\n{step}\n"})
