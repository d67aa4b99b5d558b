"""How is a program run so that it cannot outlast its time?

The program leads a session of its own. When its time is up its process group is asked to end and then killed. Its
output is read until it has ended, not until the pipe closes: a daemon that a step left behind may hold it open.
"""

import asyncio
import os
import signal
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from swefoundry.building.logs import BuildLog

GRACE_SECONDS = 3.0
"""Between asking and killing: buildah unmounts in well under a second."""

DRAIN_SECONDS = 1.0
"""How long output may keep coming after the program has ended."""

_PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Command:
    """A program to run."""

    argv: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Exited:
    """How a program ended: by itself with a code (negative: a signal's number), or by our hand at its time limit."""

    code: int
    timed_out: bool = False


async def run(command: Command, log: BuildLog, limit_seconds: float) -> Exited:
    """Run a program to its end or its time limit; its output goes to the log."""
    process = await asyncio.create_subprocess_exec(
        *command.argv,
        env=dict(command.environment),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
        start_new_session=True,
    )
    copying = asyncio.create_task(_copy(process, log))
    try:
        code = await asyncio.wait_for(process.wait(), limit_seconds)
        return Exited(code)
    except TimeoutError:
        await _end(process)
        return Exited(process.returncode or 0, timed_out=True)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(copying, DRAIN_SECONDS)


async def _copy(process: Process, log: BuildLog) -> None:
    assert process.stdout is not None
    while piece := await process.stdout.read(_PIECE_BYTES):
        log.write(piece)


async def _end(process: Process) -> None:
    for number, patience in ((signal.SIGTERM, GRACE_SECONDS), (signal.SIGKILL, GRACE_SECONDS)):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
            # The leader is gone; whoever of its group is left must not go on building.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return
