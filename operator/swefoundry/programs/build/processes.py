"""How is a program run so that it cannot outlast its time?

The program leads a session of its own. When its time is up its process group is asked to end and then killed. Its
output is read until it has ended, not until the pipe closes: a daemon that a step left behind may hold it open.
"""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from swefoundry.programs.build.logs import BuildLog

TERMINATION_GRACE_SECONDS = 3.0
"""Between asking and killing: buildah unmounts in well under a second."""

DRAIN_SECONDS = 1.0
"""How long output may keep coming after the program has ended."""

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class ProcessCommand:
    """A program to run."""

    argv: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class ProcessExit:
    """How a program ended: by itself with a code (negative: a signal's number), or by our hand at its time limit."""

    code: int
    timed_out: bool = False


async def run_process(command: ProcessCommand, log: BuildLog, limit_seconds: float) -> ProcessExit:
    """Run a program to its end or its time limit; its output goes to the log."""
    # asyncio's own pipes would make wait() wait for everybody who holds them.
    reading, writing = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            env=dict(command.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
    finally:
        os.close(writing)
    copying = asyncio.create_task(_copy(reading, log))
    try:
        return ProcessExit(await asyncio.wait_for(process.wait(), limit_seconds))
    except TimeoutError:
        await _terminate(process)
        return ProcessExit(process.returncode or 0, timed_out=True)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(copying, DRAIN_SECONDS)


async def _copy(reading: int, log: BuildLog) -> None:
    stream = asyncio.StreamReader()
    pipe = os.fdopen(reading, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    try:
        while piece := await stream.read(_CHUNK_BYTES):
            log.write(piece)
    finally:
        transport.close()


async def _terminate(process: Process) -> None:
    for number, patience in (
        (signal.SIGTERM, TERMINATION_GRACE_SECONDS),
        (signal.SIGKILL, TERMINATION_GRACE_SECONDS),
    ):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), patience)
            # The leader is gone; whoever of its group is left must not go on building.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return
