"""Run an intake and turn every error into a result with an exit code."""

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import IntakeResult, IntakeSpec
from swefoundry.errors import SwefoundryError
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.infrastructure_result import infrastructure_result
from swefoundry.programs.intake.intake_errors import HostUnavailable, IntakeRejected
from swefoundry.programs.intake.run import Progress, run_intake
from swefoundry.programs.intake.workspace import Workspace


async def run_intake_to_result(
    spec: IntakeSpec, registry: RegistryClient, workspace: Workspace, progress: Progress
) -> IntakeResult:
    """The result of an intake; errors are results, too."""
    try:
        return await run_intake(spec, registry, workspace, progress)
    except IntakeRejected as error:
        return IntakeResult(nonce=spec.nonce, code=error.code, message=str(error))
    except HostUnavailable as error:
        return IntakeResult(
            nonce=spec.nonce,
            code=ExitCode.HOST_UNAVAILABLE,
            message=str(error),
            host=error.host,
            retry_after_seconds=error.after,
        )
    except (SwefoundryError, OSError) as error:  # the registry, or git on our own disk
        return infrastructure_result(IntakeResult, spec.nonce, error)
