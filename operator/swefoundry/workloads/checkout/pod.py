"""The checkout pod: the operator's own image, comparing two untrusted trees as nobody."""

from swefoundry.contracts.checkout import CHECKOUT_SPEC_VARIABLE, CheckoutSpec
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import AttemptRef
from swefoundry.workloads.pod_spec import JsonDict
from swefoundry.workloads.program_pod import program_pod, source_program


def checkout_pod(ticket: AttemptRef, order: CheckoutSpec, settings: Settings) -> JsonDict:
    """The Pod that carries out ``order``; it has the room, the limits and the network of an intake."""
    text = order.to_json()
    return program_pod(
        ticket,
        source_program("swefoundry.programs.checkout", {CHECKOUT_SPEC_VARIABLE: text}, settings),
        settings,
    )
