"""What an agent pod does: read the order from the environment, leave the record, say the exit code."""

import asyncio
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from swefoundry.contracts.agent import AGENT_ORDER, AgentOrder, AgentRecord
from swefoundry.contracts.exit_codes import Code
from swefoundry.contracts.termination_record import RECORD_PATH, RECORD_VARIABLE, WORK_VARIABLE, fitted
from swefoundry.oci.registry_client import Registry
from swefoundry.programs.agent.llm.model_client import speaker_for
from swefoundry.programs.agent.run import attempt


def main() -> int:
    """Everything but the exit."""
    record = _record()
    print(f"agents end with {record.code}: {record.message or record.label or 'done'}", flush=True)
    Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)).write_bytes(fitted(record, "message", "label"))
    return record.code


def _record() -> AgentRecord:
    try:
        order = AgentOrder.model_validate_json(os.environ.get(AGENT_ORDER, ""))
    except ValidationError as error:
        return AgentRecord(nonce="", code=Code.BAD_ORDER, message=f"{AGENT_ORDER} is no order: {error}")
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORK_VARIABLE), ignore_cleanup_errors=True) as folder:
        return asyncio.run(_carry_out(order, Path(folder)))


async def _carry_out(order: AgentOrder, folder: Path) -> AgentRecord:
    async with Registry.at(order.place) as registry:
        return await attempt(order, registry, folder, speaker_for, say=lambda line: print(line, flush=True))
