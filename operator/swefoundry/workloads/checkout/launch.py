"""Start checkout pods: a pod makes the layer between two commits; registry calls compose the image."""

from dataclasses import dataclass

from swefoundry.contracts.checkout import CheckoutSpec
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.drafts.proven_environment import Parent
from swefoundry.oci.stage_images import compose_checkout
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.checkout.pod import checkout_pod
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import StartPod, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued, start_pod
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.volumes import registry_location


@dataclass(frozen=True)
class CheckoutRequest:
    """The parent image, and the source whose tree replaces the parent's."""

    repository: str
    parent: Parent
    source: Digest
    tag: str = ""
    """Human tag for the composed image; not used before it is composed."""
    watched: tuple[str, ...] | None = None
    """Globs of the files that the draft's rebuild command is for."""


async def launch_checkout(
    context: ReconcileContext, ref: AttemptRef, move: StartPod, request: CheckoutRequest
) -> PodStarted | Queued | Wait:
    """Create the checkout pod."""
    spec = CheckoutSpec(
        nonce=ref.nonce,
        place=registry_location(context.settings, request.repository),
        parent=request.parent.source,
        source=request.source,
        watched=None if request.watched is None else list(request.watched),
    )

    async def prepare() -> JsonDict:
        return checkout_pod(ref, spec, context.settings)

    return await start_pod(context, ref, move, prepare, {context.settings.registry_push})


async def compose_from_parent(context: ReconcileContext, request: CheckoutRequest, layer: Layer) -> Digest:
    """The image of the new commit; NotFound when the parent is not in the registry any more."""
    return await compose_checkout(
        context.registry, request.repository, request.parent.image, layer, request.tag
    )
