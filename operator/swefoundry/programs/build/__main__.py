"""Entry point of the build pod."""

import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from swefoundry.contracts.build import BUILD_SPEC_VARIABLE, BuildResult, BuildSpec
from swefoundry.contracts.termination_record import Cut
from swefoundry.programs.build.buildah import BuildDirs
from swefoundry.programs.build.logs import BuildLog
from swefoundry.programs.build.run import BuildRun
from swefoundry.programs.frame import PodProgram, run_program

STORAGE = "SWEFOUNDRY_STORAGE"
SHORT_NAMES = Path("/etc/containers/registries.conf.d")

BUILD_RESULT_CUTS = (Cut("tail", keep_end=True), Cut("message", 600), Cut("step", 300))
"""The tail loses its first lines when the record is too long; the last ones say why the build failed."""


def main() -> int:
    """Run a build; the exit code."""
    signal.signal(signal.SIGTERM, _exit_on_signal)
    return run_program(
        PodProgram("build", BUILD_SPEC_VARIABLE, BuildSpec, BuildResult, _run, cuts=BUILD_RESULT_CUTS)
    )


async def _run(spec: BuildSpec) -> BuildResult:
    if os.getpid() == 1:
        # buildah reads aliases from here whatever its configuration says: `fedora` would not be
        # docker.io/library/fedora, the name that the policy looked at. The container is ours alone.
        shutil.rmtree(SHORT_NAMES, ignore_errors=True)
    dirs = BuildDirs(Path(os.environ.get(STORAGE, "/var/lib/containers")))
    dirs.root.mkdir(parents=True, exist_ok=True)
    return await BuildRun(spec, dirs, BuildLog(sys.stdout.buffer)).run()


def _exit_on_signal(number: int, _: FrameType | None) -> None:
    """The pod is being deleted: exit at once and without a record, for nothing was decided."""
    os._exit(128 + number)


if __name__ == "__main__":
    sys.exit(main())
