"""Sending a draft and a source to a build pod."""

from dataclasses import dataclass

from swefoundry.attempts.act import Launched, Queued, launch
from swefoundry.attempts.decide import Launch
from swefoundry.attempts.intake import place
from swefoundry.attempts.world import World
from swefoundry.domain.drafts import Draft
from swefoundry.domain.layers import Digest
from swefoundry.domain.work import BuildOrder
from swefoundry.pods.build import build_pod
from swefoundry.pods.hardening import Json, Ticket
from swefoundry.pods.intake import CA_MOUNT


@dataclass(frozen=True)
class Construction:
    """What is to be built."""

    repository: str
    source: Digest
    draft: Draft
    tag: str


async def launch_build(world: World, ticket: Ticket, move: Launch, what: Construction) -> Launched | Queued:
    """Create the build pod."""
    settings = world.settings
    order = BuildOrder(
        nonce=ticket.nonce,
        place=place(settings, what.repository),
        source=what.source,
        draft=what.draft,
        tag=what.tag,
        cache=f"{what.repository}/cache",
        time_limit_seconds=settings.build_seconds,
        mirrors=settings.build_mirrors,
        allowed_bases=settings.allowed_bases,
        build_args=settings.build_args,
        ca_bundle=f"{CA_MOUNT}/ca.crt" if settings.ca_config_map else None,
    )

    async def prepare() -> Json:
        return build_pod(ticket, order, settings, move.memory_factor)

    return await launch(world, ticket, move, prepare)
