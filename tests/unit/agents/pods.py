"""The agents' program as a pod runs it, and answers as an endpoint that holds to schemas gives them."""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path

from swefoundry.domain.agent_work import AgentOrder, AgentRecord
from unit.agents.cases import COMMAND, ENVIRONMENT, REPORT

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


@dataclass(frozen=True)
class Ended:
    code: int
    record: AgentRecord | None
    output: str


class Pod:
    """One process with its own folder."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self._process = process
        self._folder = folder

    @classmethod
    async def start(cls, order: AgentOrder | str, folder: Path) -> "Pod":
        said = order if isinstance(order, str) else order.model_dump_json(by_alias=True, exclude_none=True)
        (folder / "work").mkdir(parents=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "swefoundry.agents"),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(sys.path),
                "SWEFOUNDRY_AGENT": said,
                "SWEFOUNDRY_WORKDIR": str(folder / "work"),
                "SWEFOUNDRY_TERMINATION_LOG": str(folder / "termination-log"),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process, folder)

    def terminate(self) -> None:
        """What the kubelet does first."""
        self._process.terminate()

    def kill(self) -> None:
        """What a node that is lost does."""
        self._process.kill()

    async def ended(self) -> Ended:
        output, _ = await self._process.communicate()
        assert self._process.returncode is not None
        log = self._folder / "termination-log"
        record = AgentRecord.model_validate_json(log.read_bytes()) if log.exists() else None
        return Ended(self._process.returncode, record, output.decode())
