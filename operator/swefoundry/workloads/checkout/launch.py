"""Laying another commit's tree over an image: a pod makes the layer, registry calls compose the image."""

from dataclasses import dataclass

from swefoundry.contracts.checkout import CheckoutSpec
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.drafts.proven_environment import Parent
from swefoundry.oci.stage_images import compose_checkout
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.checkout.pod import checkout_pod
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import StartPod
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.volumes import registry_location


@dataclass(frozen=True)
class CheckoutRequest:
    """Which tree is laid over which image."""

    repository: str
    parent: Parent
    source: Digest
    tag: str = ""
    """Human tag for the composed image; of no account until it is composed."""
    watched: tuple[str, ...] | None = None
    """Globs of the files that the draft's rebuild command is for."""


async def launch_checkout(
    context: ReconcileContext, ticket: AttemptRef, move: StartPod, what: CheckoutRequest
) -> PodStarted | Queued:
    """Create the checkout pod."""
    order = CheckoutSpec(
        nonce=ticket.nonce,
        place=registry_location(context.settings, what.repository),
        parent=what.parent.source,
        source=what.source,
        watched=None if what.watched is None else list(what.watched),
    )

    async def prepare() -> JsonDict:
        return checkout_pod(ticket, order, context.settings)

    return await start_pod(context, ticket, move, prepare)


async def compose_from_parent(context: ReconcileContext, what: CheckoutRequest, layer: Layer) -> Digest:
    """The image of the new commit; NotFound when the parent is not in the registry any more."""
    return await compose_checkout(context.registry, what.repository, what.parent.image, layer, what.tag)
