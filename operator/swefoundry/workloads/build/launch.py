"""Sending a draft and a source to a build pod."""

from dataclasses import dataclass

from swefoundry.contracts.build import BuildSpec
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.overrides import command_step
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.build.pod import build_pod
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import StartPod
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.volumes import ca_file, registry_location


@dataclass(frozen=True)
class BuildRequest:
    """What is to be built."""

    repository: str
    source: Digest
    draft: Draft
    tag: str
    composed: Digest | None = None
    """Set when an image with the source in it is there: only the draft's rebuild command is run in it."""


async def launch_build(
    context: ReconcileContext, ticket: AttemptRef, move: StartPod, what: BuildRequest
) -> PodStarted | Queued:
    """Create the build pod."""
    settings = context.settings
    composed = _composed_image_name(what, settings)
    order = BuildSpec(
        nonce=ticket.nonce,
        place=registry_location(settings, what.repository),
        source=what.source,
        draft=what.draft if composed is None else rebuild_draft(what.draft, composed),
        composed=composed,
        tag=what.tag,
        cache=f"{what.repository}/cache",
        time_limit_seconds=settings.build_seconds,
        mirrors=settings.build_mirrors,
        allowed_bases=settings.allowed_bases,
        build_args=settings.build_args,
        ca_bundle=ca_file(settings),
    )

    async def prepare() -> JsonDict:
        return build_pod(ticket, order, settings, move.memory_factor)

    return await start_pod(context, ticket, move, prepare)


def _composed_image_name(what: BuildRequest, settings: Settings) -> str | None:
    """The composed image as build pods pull it."""
    return (
        f"{settings.registry_push}/{what.repository}@{what.composed}" if what.composed is not None else None
    )


def rebuild_draft(draft: Draft, composed: str) -> Draft:
    """The draft whose whole build is its rebuild command, run in an image that has everything else."""
    step = command_step(draft.rebuild_command or "true")
    return draft.model_copy(update={"dockerfile": f"FROM {composed}\n{step}\n"})
