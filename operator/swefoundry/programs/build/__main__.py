"""The program of build pods: read the order, carry it out, leave the record, exit with its code."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from swefoundry.contracts.build import BUILD_SPEC_VARIABLE, BuildSpec
from swefoundry.contracts.exit_codes import ExitCode
from swefoundry.contracts.termination_record import RECORD_PATH, RECORD_VARIABLE
from swefoundry.programs.build.build_result import write_result
from swefoundry.programs.build.buildah import BuildDirs
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.run import BuildRun

STORAGE = "SWEFOUNDRY_STORAGE"
SHORT_NAMES = Path("/etc/containers/registries.conf.d")


def main() -> int:
    """Everything but the exit."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    try:
        order = BuildSpec.model_validate_json(os.environ.pop(BUILD_SPEC_VARIABLE, ""))
    except ValidationError as error:
        print(f"swefoundry: {BUILD_SPEC_VARIABLE} is not a build order: {error}", file=sys.stderr)
        return ExitCode.INVALID_SPEC
    if os.getpid() == 1:
        # buildah reads aliases from here whatever it is told: `fedora` would not be docker.io/library/fedora, the name
        # that the policy looked at. The container is ours alone.
        shutil.rmtree(SHORT_NAMES, ignore_errors=True)
    workplace = BuildDirs(Path(os.environ.get(STORAGE, "/var/lib/containers")))
    workplace.root.mkdir(parents=True, exist_ok=True)
    record = asyncio.run(BuildRun(order, workplace, BuildLog(sys.stdout.buffer)).run())
    write_result(record, Path(os.environ.get(RECORD_VARIABLE, RECORD_PATH)))
    return record.code


def _exit_on_signal(number: int, _: FrameType | None) -> None:
    """The pod is being deleted: end at once and without a record, for nothing was decided."""
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
