"""Entry point of the checkout pod: read the order from the environment, leave the record, exit with its code."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError

from swefoundry.contracts.checkout import CHECKOUT_SPEC_VARIABLE, CheckoutResult, CheckoutSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.termination_record import (
    RECORD_PATH,
    RECORD_VARIABLE,
    WORK_VARIABLE,
    truncate_to_fit,
)
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.checkout.run import failed_checkout, run_checkout


def main() -> int:
    """Everything but the exit."""
    record = _result_path()
    told = f"{record.added} added, {record.changed} changed, {record.removed} removed"
    print(f"checkout ends with {record.code}: {record.message or told}", flush=True)
    Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)).write_bytes(truncate_to_fit(record, "message"))
    return record.code


def _result_path() -> CheckoutResult:
    try:
        order = CheckoutSpec.model_validate_json(os.environ.get(CHECKOUT_SPEC_VARIABLE, ""))
    except ValidationError as error:
        return failed_checkout("", ExitCode.INVALID_SPEC, f"{CHECKOUT_SPEC_VARIABLE} is no order: {error}")
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORK_VARIABLE), ignore_cleanup_errors=True) as folder:
        return asyncio.run(_run(order, Path(folder)))


async def _run(order: CheckoutSpec, folder: Path) -> CheckoutResult:
    async with RegistryClient.for_location(order.place) as registry:
        return await run_checkout(order, registry, folder)


if __name__ == "__main__":
    sys.exit(main())
