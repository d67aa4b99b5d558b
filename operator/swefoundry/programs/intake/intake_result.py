"""How does an intake end? Every error becomes a record with a code."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import IntakeResult, IntakeSpec
from swefoundry.errors import SwefoundryError
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake.intake_errors import IntakeRejected
from swefoundry.programs.intake.run import Progress, run_intake
from swefoundry.programs.intake.workspace import Workspace


async def run_intake_to_result(
    order: IntakeSpec, registry: RegistryClient, workspace: Workspace, progress: Progress
) -> IntakeResult:
    """Carry out an order; what goes wrong is in the record."""
    try:
        return await run_intake(order, registry, workspace, progress)
    except IntakeRejected as error:
        return IntakeResult(nonce=order.nonce, code=error.code, message=str(error))
    except SwefoundryError as error:  # the registry, or git on our own disk: not the row's fault
        return IntakeResult(nonce=order.nonce, code=ExitCode.INFRASTRUCTURE, message=str(error))
    except OSError as error:
        return IntakeResult(
            nonce=order.nonce, code=ExitCode.INFRASTRUCTURE, message=f"the pod's disk: {error}"
        )
