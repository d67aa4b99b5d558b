"""Frame of every program in a pod: read the spec, run, write the termination record, give the exit code.

::

    environment variable -> spec -> run -> result -> /dev/termination-log, exit code
                              | not readable
                              +-> a result with INVALID_SPEC
"""

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeVar

from pydantic import ValidationError

from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.termination_record import (
    RECORD_PATH,
    RECORD_VARIABLE,
    WORK_VARIABLE,
    Cut,
    truncate_to_fit,
)
from swefoundry.contracts.wire import WireModel
from swefoundry.programs.resource_usage import container_usage

SpecT = TypeVar("SpecT", bound=WireModel)
ResultT = TypeVar("ResultT", bound=ProgramResult)


@dataclass(frozen=True)
class PodProgram(Generic[SpecT, ResultT]):
    """A program: what it is called, what it reads and leaves, and what it does."""

    name: str
    variable: str
    """The environment variable with the spec. It is removed, so that nothing the program starts inherits it."""
    spec: type[SpecT]
    result: type[ResultT]
    run: Callable[[SpecT], Coroutine[None, None, ResultT]]
    cuts: tuple[Cut, ...] = (Cut("message"),)
    """The texts of a result that may be shortened to fit."""
    summary: Callable[[ResultT], str] = lambda result: "done"
    """What a result without a message is printed as."""


def run_program(program: PodProgram[SpecT, ResultT]) -> int:
    """The exit code, once the record is written."""
    result = _result(program).model_copy(update={"measured": container_usage()})
    record = truncate_to_fit(result, *program.cuts)
    print(f"{program.name} ends with {result.code}: {result.message or program.summary(result)}", flush=True)
    Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)).write_bytes(record)
    return result.code


def _result(program: PodProgram[SpecT, ResultT]) -> ResultT:
    try:
        spec = program.spec.model_validate_json(os.environ.pop(program.variable, ""))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        message = f"{program.variable} is not a valid {program.name} spec: {faults.removeprefix(': ')}"
        return program.result(nonce="", code=ExitCode.INVALID_SPEC, message=message)
    return asyncio.run(program.run(spec))


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder that the program may fill; what is left in it is deleted."""
    with tempfile.TemporaryDirectory(dir=os.environ.get(WORK_VARIABLE), ignore_cleanup_errors=True) as folder:
        yield Path(folder)
