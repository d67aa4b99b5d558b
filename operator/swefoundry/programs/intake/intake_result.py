"""How does an intake end? Every error becomes a record with a code."""

from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.intake import IntakeOrder, IntakeRecord
from swefoundry.errors import SwefoundryError
from swefoundry.oci.registry_client import Registry
from swefoundry.programs.intake.intake_errors import Refused
from swefoundry.programs.intake.run import Say, take_in
from swefoundry.programs.intake.workspace import Bench


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
