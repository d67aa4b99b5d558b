"""The checkout of a reuse round: a pod makes the layer with the new tree, registry calls put it on the parent image."""

from dataclasses import replace

from swefoundry import errors
from swefoundry.contracts.checkout import CheckoutResult
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.steps import CheckoutFinished
from swefoundry.workloads.checkout.launch import CheckoutRequest, compose_from_parent, launch_checkout
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.decide import CollectResult, StartPod, Wait
from swefoundry.workloads.lifecycle import PodStarted, Queued, count_finished_pod, new_attempt_ref


async def start_checkout(
    move: StartPod, observed: Observation, context: ReconcileContext
) -> PodStarted | Queued | Wait:
    """Start the pod that makes the layer."""
    draft = await context.draft(observed.repository, observed.build.status.rounds[-1].draft)
    watched = None if draft.rebuild_when is None else tuple(draft.rebuild_when)
    request = replace(_checkout_request(observed), watched=watched)
    attempt = new_attempt_ref(observed.owner, move)
    return await launch_checkout(context, attempt, move, request)


async def collect_checkout(
    move: CollectResult, observed: Observation, context: ReconcileContext
) -> CheckoutFinished:
    """Put the layer on the parent image."""
    count_finished_pod(move)
    record = CheckoutResult.model_validate(move.result.record)
    if record.code != ExitCode.OK or record.layer is None:
        message = record.message or f"the checkout ended with code {record.code}"
        return CheckoutFinished(move, record, message=message)
    current = observed.build.status.rounds[-1]
    draft = await context.draft(observed.repository, current.draft)
    complete = draft.rebuild_command is None or not record.stale
    tag = observed.image_tag(current) if complete else observed.composed_tag(current)
    request = _checkout_request(observed, tag)
    try:
        composed = await compose_from_parent(context, request, record.layer)
    except errors.NotFound as error:
        message = f"the image {request.parent.image} cannot be reused: {error}"
        return CheckoutFinished(move, record, message=message)
    return CheckoutFinished(move, record, composed, complete)


def _checkout_request(observed: Observation, tag: str = "") -> CheckoutRequest:
    current = observed.open_round
    if current is None or current.parent is None:
        raise errors.PermanentError(f"{observed.build.name}: a checkout without an image to put it on")
    return CheckoutRequest(observed.repository, current.parent, observed.require_source().source, tag)
