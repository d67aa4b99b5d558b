"""The checkout pod: the operator's own image, comparing two untrusted trees as nobody."""

from swefoundry.contracts.checkout import CHECKOUT_ORDER, CheckoutOrder
from swefoundry.settings import Settings
from swefoundry.workloads.intake.pod import as_intake, program_pod
from swefoundry.workloads.pod_spec import Json, Ticket


def checkout_pod(ticket: Ticket, order: CheckoutOrder, settings: Settings) -> Json:
    """The Pod that carries out ``order``; it has the room, the limits and the network of an intake."""
    text = order.wire_text()
    return program_pod(
        ticket, as_intake("swefoundry.programs.checkout", {CHECKOUT_ORDER: text}, settings), settings
    )
