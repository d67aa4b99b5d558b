"""How does an intake end? Every error becomes a record with a code."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import IntakeResult, IntakeSpec
from swefoundry.errors import SwefoundryError
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake.intake_errors import Refused
from swefoundry.programs.intake.run import Say, take_in
from swefoundry.programs.intake.workspace import Bench


async def attempt(order: IntakeSpec, registry: RegistryClient, bench: Bench, say: Say) -> IntakeResult:
    """Carry out an order; what goes wrong is in the record."""
    try:
        return await take_in(order, registry, bench, say)
    except Refused as error:
        return IntakeResult(nonce=order.nonce, code=error.code, message=str(error))
    except SwefoundryError as error:  # the registry, or git on our own disk: not the row's fault
        return IntakeResult(nonce=order.nonce, code=ExitCode.INFRASTRUCTURE, message=str(error))
    except OSError as error:
        return IntakeResult(
            nonce=order.nonce, code=ExitCode.INFRASTRUCTURE, message=f"the pod's disk: {error}"
        )
