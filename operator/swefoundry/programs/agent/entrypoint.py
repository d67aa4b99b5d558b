"""What an agent pod does: read the order from the environment, leave the record, say the exit code."""

import asyncio
import os
import tempfile
from pathlib import Path

from pydantic import ValidationError

from swefoundry.contracts.agent import AGENT_SPEC_VARIABLE, AgentResult, AgentSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.termination_record import (
    RECORD_PATH,
    RECORD_VARIABLE,
    WORK_VARIABLE,
    truncate_to_fit,
)
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.llm.model_client import open_model_client
from swefoundry.programs.agent.run import run_agent


def main() -> int:
    """Everything but the exit."""
    record = _result()
    print(f"agents end with {record.code}: {record.message or record.label or 'done'}", flush=True)
    Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)).write_bytes(
        truncate_to_fit(record, "message", "label")
    )
    return record.code


def _result() -> AgentResult:
    try:
        order = AgentSpec.model_validate_json(os.environ.get(AGENT_SPEC_VARIABLE, ""))
    except ValidationError as error:
        return AgentResult(
            nonce="", code=ExitCode.INVALID_SPEC, message=f"{AGENT_SPEC_VARIABLE} is no order: {error}"
        )
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORK_VARIABLE), ignore_cleanup_errors=True) as folder:
        return asyncio.run(_run(order, Path(folder)))


async def _run(spec: AgentSpec, folder: Path) -> AgentResult:
    async with RegistryClient.for_location(spec.place) as registry:
        return await run_agent(
            spec, registry, folder, open_model_client, progress=lambda line: print(line, flush=True)
        )
