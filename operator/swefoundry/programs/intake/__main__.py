"""Entry point of the intake pod: read the order from the environment, leave the record, exit with its code."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError

from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.intake import INTAKE_ORDER, IntakeOrder, IntakeRecord
from swefoundry.contracts.termination_record import RECORD_PATH, RECORD_VARIABLE, WORK_VARIABLE, fitted
from swefoundry.oci.registry_client import Registry
from swefoundry.programs.intake.intake_result import attempt
from swefoundry.programs.intake.workspace import RUNNER, Bench

RUNNER_FILE = "SWEFOUNDRY_RUNNER"


def main() -> int:
    record = _record()
    print(f"intake ends with {record.code}: {record.message or 'done'}", flush=True)
    Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)).write_bytes(fitted(record, "message"))
    return record.code


def _record() -> IntakeRecord:
    try:
        order = IntakeOrder.model_validate_json(os.environ.get(INTAKE_ORDER, ""))
    except ValidationError as error:
        return IntakeRecord(nonce="", code=Code.BAD_ORDER, message=f"{INTAKE_ORDER} is no order: {error}")
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORK_VARIABLE), ignore_cleanup_errors=True) as folder:
        bench = Bench(Path(folder), Path(os.environ.get(RUNNER_FILE, str(RUNNER))))
        return asyncio.run(_carry_out(order, bench))


async def _carry_out(order: IntakeOrder, bench: Bench) -> IntakeRecord:
    async with Registry.at(order.place) as registry:
        return await attempt(order, registry, bench, say=lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())
