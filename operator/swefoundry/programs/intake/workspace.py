"""The folder, runner and retry policy of an intake."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.programs.intake.limits import RetryPolicy

RUNNER_MOUNT = Path("/usr/local/libexec/swefoundry/runner")
"""Where the operator's image carries the runner."""
CLOCK_LIBRARY = RUNNER_MOUNT.parent / "clock" / "libfaketime.so.1"
"""Where it carries the library that shifts clocks."""


@dataclass(frozen=True)
class Workspace:
    """An empty folder of our own, the runner's binary, how often hosts are asked, and the clock library."""

    folder: Path
    runner: Path = RUNNER_MOUNT
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    clock_library: Path = CLOCK_LIBRARY


def remove(path: Path) -> None:
    """Delete a file, a link or a folder with all that is in it."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
