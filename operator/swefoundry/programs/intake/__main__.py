"""Entry point of the intake pod."""

import os
import sys
from pathlib import Path

from swefoundry.contracts.intake import INTAKE_SPEC_VARIABLE, IntakeResult, IntakeSpec
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.frame import PodProgram, run_program, work_folder
from swefoundry.programs.intake.intake_result import run_intake_to_result
from swefoundry.programs.intake.workspace import RUNNER_MOUNT, Workspace

RUNNER_FILE = "SWEFOUNDRY_RUNNER"


def main() -> int:
    """Run an intake; the exit code."""
    return run_program(PodProgram("intake", INTAKE_SPEC_VARIABLE, IntakeSpec, IntakeResult, _run))


async def _run(spec: IntakeSpec) -> IntakeResult:
    with work_folder() as folder:
        workspace = Workspace(folder, Path(os.environ.get(RUNNER_FILE, RUNNER_MOUNT)))
        async with RegistryClient.for_location(spec.place) as registry:
            return await run_intake_to_result(
                spec, registry, workspace, progress=lambda line: print(line, flush=True)
            )


if __name__ == "__main__":
    sys.exit(main())
