"""Text of Dockerfile instructions that swefoundry writes itself."""

import json
import shlex
from collections.abc import Sequence

from swefoundry.contracts.image_layout import SOURCE_ROOT


def apt_step(packages: Sequence[str]) -> str:
    """Return a RUN step that installs Debian packages and removes the package lists."""
    names = " ".join(shlex.quote(name) for name in packages)
    return (
        f"RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends {names}"
        " && rm -rf /var/lib/apt/lists/*"
    )


def command_step(command: str) -> str:
    """Return a RUN step in /testbed.

    A command of several lines uses the exec form, because a newline would end the instruction.
    """
    if "\n" in command:
        return "RUN " + json.dumps(["/bin/sh", "-ec", f"cd {SOURCE_ROOT}\n{command}"])
    return f"RUN cd {SOURCE_ROOT} && {command}"
