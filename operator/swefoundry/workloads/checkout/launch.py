"""Laying another commit's tree over an image: a pod makes the layer, registry calls compose the image."""

from dataclasses import dataclass

from swefoundry.contracts.checkout import CheckoutOrder
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.drafts.proven_environment import Parent
from swefoundry.oci.stage_images import compose_checkout
from swefoundry.workloads.checkout.pod import checkout_pod
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import Launch
from swefoundry.workloads.intake.launch import place
from swefoundry.workloads.lifecycle import Launched, Queued, launch
from swefoundry.workloads.pod_spec import Json, Ticket


@dataclass(frozen=True)
class Checkout:
    """Which tree is laid over which image."""

    repository: str
    parent: Parent
    source: Digest
    tag: str = ""
    """Human tag for the composed image; of no account until it is composed."""
    watched: tuple[str, ...] | None = None
    """Globs of the files that the draft's rebuild command is for."""


async def launch_checkout(
    context: ReconcileContext, ticket: Ticket, move: Launch, what: Checkout
) -> Launched | Queued:
    """Create the checkout pod."""
    order = CheckoutOrder(
        nonce=ticket.nonce,
        place=place(context.settings, what.repository),
        parent=what.parent.source,
        source=what.source,
        watched=None if what.watched is None else list(what.watched),
    )

    async def prepare() -> Json:
        return checkout_pod(ticket, order, context.settings)

    return await launch(context, ticket, move, prepare)


async def compose(context: ReconcileContext, what: Checkout, layer: Layer) -> Digest:
    """The image of the new commit; NotFound when the parent is not in the registry any more."""
    return await compose_checkout(context.registry, what.repository, what.parent.image, layer, what.tag)
