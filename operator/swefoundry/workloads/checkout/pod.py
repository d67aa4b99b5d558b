"""The checkout pod: the operator's own image, comparing two untrusted trees as nobody."""

from swefoundry.contracts.checkout import CHECKOUT_ORDER, CheckoutOrder
from swefoundry.settings import Settings
from swefoundry.workloads.intake.pod import program_pod, source_program
from swefoundry.workloads.pod_spec import AttemptRef, JsonDict


def checkout_pod(ticket: AttemptRef, order: CheckoutOrder, settings: Settings) -> JsonDict:
    """The Pod that carries out ``order``; it has the room, the limits and the network of an intake."""
    text = order.wire_text()
    return program_pod(
        ticket, source_program("swefoundry.programs.checkout", {CHECKOUT_ORDER: text}, settings), settings
    )
