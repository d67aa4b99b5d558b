"""Entry point of the intake pod: read the order from the environment, leave the record, exit with its code."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.intake import INTAKE_SPEC_VARIABLE, IntakeResult, IntakeSpec
from swefoundry.contracts.termination_record import (
    RECORD_PATH,
    RECORD_VARIABLE,
    WORK_VARIABLE,
    truncate_to_fit,
)
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.intake.intake_result import run_intake_to_result
from swefoundry.programs.intake.workspace import RUNNER_MOUNT, Workspace

RUNNER_FILE = "SWEFOUNDRY_RUNNER"


def main() -> int:
    record = _result_path()
    print(f"intake ends with {record.code}: {record.message or 'done'}", flush=True)
    Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)).write_bytes(truncate_to_fit(record, "message"))
    return record.code


def _result_path() -> IntakeResult:
    try:
        order = IntakeSpec.model_validate_json(os.environ.get(INTAKE_SPEC_VARIABLE, ""))
    except ValidationError as error:
        return IntakeResult(
            nonce="", code=ExitCode.INVALID_SPEC, message=f"{INTAKE_SPEC_VARIABLE} is no order: {error}"
        )
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORK_VARIABLE), ignore_cleanup_errors=True) as folder:
        bench = Workspace(Path(folder), Path(os.environ.get(RUNNER_FILE, str(RUNNER_MOUNT))))
        return asyncio.run(_run(order, bench))


async def _run(order: IntakeSpec, bench: Workspace) -> IntakeResult:
    async with RegistryClient.for_location(order.place) as registry:
        return await run_intake_to_result(
            order, registry, bench, progress=lambda line: print(line, flush=True)
        )


if __name__ == "__main__":
    sys.exit(main())
