"""Run a program with a time limit.

The program leads a session of its own. At the limit its process group gets SIGTERM and then SIGKILL. Its output is
read until it has exited, not until the pipe closes: a daemon that a step left behind may hold it open.
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
"""Between SIGTERM and SIGKILL: buildah unmounts in well under a second."""

DRAIN_SECONDS = 1.0
"""How long output is read after the program has exited."""

_CHUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class ProcessCommand:
    """A program to run."""

    argv: Sequence[str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class ProcessExit:
    """How a program exited: with a code (negative: a signal's number), and whether the time limit was reached."""

    code: int
    timed_out: bool = False


async def run_process(command: ProcessCommand, log: BuildLog, limit_seconds: float) -> ProcessExit:
    """Run a program to its end or its time limit; its output goes to the log."""
    # With asyncio's own pipes, wait() would wait for every process that holds them open.
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *command.argv,
            env=dict(command.environment),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=write_end,
            stderr=write_end,
            start_new_session=True,
        )
    finally:
        os.close(write_end)
    copying = asyncio.create_task(_copy(read_end, log))
    try:
        return ProcessExit(await asyncio.wait_for(process.wait(), limit_seconds))
    except TimeoutError:
        await _terminate(process)
        return ProcessExit(process.returncode or 0, timed_out=True)
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(copying, DRAIN_SECONDS)


async def _copy(read_end: int, log: BuildLog) -> None:
    stream = asyncio.StreamReader()
    pipe = os.fdopen(read_end, "rb", buffering=0)
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    try:
        while chunk := await stream.read(_CHUNK_BYTES):
            log.write(chunk)
    finally:
        transport.close()


async def _terminate(process: Process) -> None:
    for number, grace_seconds in (
        (signal.SIGTERM, TERMINATION_GRACE_SECONDS),
        (signal.SIGKILL, TERMINATION_GRACE_SECONDS),
    ):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), grace_seconds)
            # The leader has exited; the rest of its group must not go on building.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            return
