"""Sending a draft and a source to a build pod."""

from dataclasses import dataclass

from swefoundry.contracts.build import BuildOrder
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.drafts.overrides import command_step
from swefoundry.settings import Settings
from swefoundry.workloads.build.pod import build_pod
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Launch
from swefoundry.workloads.intake.launch import place
from swefoundry.workloads.lifecycle import Launched, Queued, launch
from swefoundry.workloads.pod_spec import Json, Ticket
from swefoundry.workloads.volumes import ca_file


@dataclass(frozen=True)
class Construction:
    """What is to be built."""

    repository: str
    source: Digest
    draft: Draft
    tag: str
    composed: Digest | None = None
    """Set when an image with the source in it is there: only the draft's rebuild command is run in it."""


async def launch_build(
    context: ReconcileContext, ticket: Ticket, move: Launch, what: Construction
) -> Launched | Queued:
    """Create the build pod."""
    settings = context.settings
    composed = _image_name(what, settings)
    order = BuildOrder(
        nonce=ticket.nonce,
        place=place(settings, what.repository),
        source=what.source,
        draft=what.draft if composed is None else rebuilding(what.draft, composed),
        composed=composed,
        tag=what.tag,
        cache=f"{what.repository}/cache",
        time_limit_seconds=settings.build_seconds,
        mirrors=settings.build_mirrors,
        allowed_bases=settings.allowed_bases,
        build_args=settings.build_args,
        ca_bundle=ca_file(settings),
    )

    async def prepare() -> Json:
        return build_pod(ticket, order, settings, move.memory_factor)

    return await launch(context, ticket, move, prepare)


def _image_name(what: Construction, settings: Settings) -> str | None:
    """The composed image as build pods pull it."""
    return (
        f"{settings.registry_push}/{what.repository}@{what.composed}" if what.composed is not None else None
    )


def rebuilding(draft: Draft, composed: str) -> Draft:
    """The draft whose whole build is its rebuild command, run in an image that has everything else."""
    step = command_step(draft.rebuild_command or "true")
    return draft.model_copy(update={"dockerfile": f"FROM {composed}\n{step}\n"})
