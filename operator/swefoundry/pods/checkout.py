"""The checkout pod: the operator's own image, comparing two untrusted trees as nobody."""

from swefoundry.domain.checkout_work import CHECKOUT_ORDER, CheckoutOrder
from swefoundry.pods.hardening import Json, Ticket
from swefoundry.pods.intake import as_intake, program_pod
from swefoundry.settings import Settings


def checkout_pod(ticket: Ticket, order: CheckoutOrder, settings: Settings) -> Json:
    """The Pod that carries out ``order``; it has the room, the limits and the network of an intake."""
    text = order.wire_text()
    return program_pod(ticket, as_intake("swefoundry.checkout", {CHECKOUT_ORDER: text}, settings), settings)
