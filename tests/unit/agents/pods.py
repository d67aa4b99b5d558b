"""The agents' program as a pod runs it, and answers as an endpoint that holds to schemas gives them."""

from pathlib import Path

from swefoundry.domain.agent_work import AgentOrder, AgentRecord
from unit.agents.cases import COMMAND, ENVIRONMENT, REPORT
from unit.programs import Program

WHOLE_REPORT = {
    "language_version": "",
    "package_manager": "",
    "system_packages": [],
    "install_steps": [],
    "doubts": [],
} | REPORT
WHOLE_TESTS = {
    "test_command": COMMAND,
    "rebuild_command": "",
    "reports": ["report.xml"],
    "error_exit_codes": [2, 3, 4, 5],
    "claimed": True,
    "note": "",
}
WHOLE_ENVIRONMENT = ENVIRONMENT


async def start(order: AgentOrder | str, folder: Path) -> Program[AgentRecord]:
    said = order if isinstance(order, str) else order.model_dump_json(by_alias=True, exclude_none=True)
    return await Program.start("swefoundry.agents", AgentRecord, folder, SWEFOUNDRY_AGENT=said)
