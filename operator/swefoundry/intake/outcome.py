"""How does an intake end? Every error becomes a record with a code."""

from swefoundry.domain.codes import Code
from swefoundry.domain.work import IntakeOrder, IntakeRecord
from swefoundry.errors import SwefoundryError
from swefoundry.intake.bench import Bench
from swefoundry.intake.refusals import Refused
from swefoundry.intake.story import Say, take_in
from swefoundry.store.registry import Registry


async def attempt(order: IntakeOrder, registry: Registry, bench: Bench, say: Say) -> IntakeRecord:
    """Carry out an order; what goes wrong is in the record."""
    try:
        return await take_in(order, registry, bench, say)
    except Refused as error:
        return IntakeRecord(nonce=order.nonce, code=error.code, message=str(error))
    except SwefoundryError as error:  # the registry, or git on our own disk: not the row's fault
        return IntakeRecord(nonce=order.nonce, code=Code.INFRASTRUCTURE, message=str(error))
    except OSError as error:
        return IntakeRecord(nonce=order.nonce, code=Code.INFRASTRUCTURE, message=f"the pod's disk: {error}")
