"""Programs of pods, run as a kubelet runs them but without the pod: a spec in the environment, a record in the
termination log, an exit code.
"""

import asyncio
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from swefoundry.contracts.wire import WireModel

R = TypeVar("R", bound=WireModel)


@dataclass(frozen=True)
class ProgramEnd(Generic[R]):
    """How a program ended."""

    exit_code: int
    record: R | None
    output: str


class RunningProgram(Generic[R]):
    """One process; what it works in is ``folder / "work"``."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, record: type[R]) -> None:
        self._process = process
        self._log = folder / "termination-log"
        self._record = record

    @classmethod
    async def start(
        cls, module: str, record: type[R], folder: Path, **environment: str
    ) -> "RunningProgram[R]":
        (folder / "work").mkdir(parents=True, exist_ok=True)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", module),
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": os.pathsep.join(sys.path),
                "SWEFOUNDRY_WORKDIR": str(folder / "work"),
                "SWEFOUNDRY_TERMINATION_LOG": str(folder / "termination-log"),
                **environment,
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return cls(process, folder, record)

    def terminate(self) -> None:
        """What the kubelet does first."""
        self._process.terminate()

    def kill(self) -> None:
        """What a node that is lost does."""
        self._process.kill()

    async def wait(self) -> ProgramEnd[R]:
        output, _ = await self._process.communicate()
        assert self._process.returncode is not None
        record = self._record.model_validate_json(self._log.read_bytes()) if self._log.exists() else None
        return ProgramEnd(self._process.returncode, record, output.decode())
