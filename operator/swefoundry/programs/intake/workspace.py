"""Where does an intake work, and with what at hand?"""

from dataclasses import dataclass, field
from pathlib import Path

from swefoundry.programs.intake.limits import Patience

RUNNER = Path("/usr/local/libexec/swefoundry/runner")
"""Where the operator's image carries the runner."""


@dataclass(frozen=True)
class Bench:
    """An empty folder of our own, the runner's program, and patience with hosts."""

    folder: Path
    runner: Path = RUNNER
    patience: Patience = field(default_factory=Patience)
