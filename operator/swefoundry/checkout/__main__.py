"""``python -m swefoundry.checkout``: read the order from the environment, leave the record, exit with its code."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

from pydantic import ValidationError

from swefoundry.checkout.story import attempt, failed
from swefoundry.domain.checkout_work import CHECKOUT_ORDER, CheckoutOrder, CheckoutRecord
from swefoundry.domain.codes import Code
from swefoundry.store.registry import Registry

WORKDIR = "SWEFOUNDRY_WORKDIR"
RECORD_FILE = "SWEFOUNDRY_TERMINATION_LOG"


def main() -> int:
    """Everything but the exit."""
    record = _record()
    told = f"{record.added} added, {record.changed} changed, {record.removed} removed"
    print(f"checkout ends with {record.code}: {record.message or told}", flush=True)
    said = record.model_dump_json(by_alias=True, exclude_none=True)
    Path(os.environ.get(RECORD_FILE, "/dev/termination-log")).write_text(said)
    return record.code


def _record() -> CheckoutRecord:
    try:
        order = CheckoutOrder.model_validate_json(os.environ.get(CHECKOUT_ORDER, ""))
    except ValidationError as error:
        return failed("", Code.BAD_ORDER, f"{CHECKOUT_ORDER} is no order: {error}")
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORKDIR), ignore_cleanup_errors=True) as folder:
        return asyncio.run(_carry_out(order, Path(folder)))


async def _carry_out(order: CheckoutOrder, folder: Path) -> CheckoutRecord:
    async with Registry.at(order.place) as registry:
        return await attempt(order, registry, folder)


if __name__ == "__main__":
    sys.exit(main())
