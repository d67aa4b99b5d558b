"""Starts the agent program as a pod does, and complete answers for endpoints that enforce schemas."""

from pathlib import Path

from swefoundry.contracts.agent import AgentResult, AgentSpec
from unit.pod_programs import RunningProgram
from unit.programs.agent.agent_inputs import COMMAND, ENVIRONMENT, REPORT

COMPLETE_REPORT = {
    "language_version": "",
    "package_manager": "",
    "system_packages": [],
    "install_steps": [],
    "doubts": [],
} | REPORT
COMPLETE_TESTS = {
    "test_command": COMMAND,
    "rebuild_command": "",
    "reports": ["report.xml"],
    "error_exit_codes": [2, 3, 4, 5],
    "tolerated_failures": [],
    "run_as_user": 0,
    "claimed": True,
    "note": "",
}
COMPLETE_FIRST_DRAFT = COMPLETE_TESTS | ENVIRONMENT


async def start_agent(spec: AgentSpec | str, folder: Path) -> RunningProgram[AgentResult]:
    text = spec if isinstance(spec, str) else spec.model_dump_json(by_alias=True, exclude_none=True)
    return await RunningProgram.start("swefoundry.programs.agent", AgentResult, folder, SWEFOUNDRY_AGENT=text)
