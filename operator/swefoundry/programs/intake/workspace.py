"""Where does an intake work, and with what at hand?"""

from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.programs.intake.limits import RetryPolicy

RUNNER_MOUNT = Path("/usr/local/libexec/swefoundry/runner")
"""Where the operator's image carries the runner."""


@dataclass(frozen=True)
class Workspace:
    """An empty folder of our own, the runner's program, and patience with hosts."""

    folder: Path
    runner: Path = RUNNER_MOUNT
    retry: RetryPolicy = field(default_factory=RetryPolicy)
