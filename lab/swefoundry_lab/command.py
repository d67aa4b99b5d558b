"""Run another program; an error has the end of its output."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from swefoundry_lab.errors import LabError

EXCERPT_LINES = 15
"""Lines of a failed program's output that are shown; the cause is nearly always in the last ones."""


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program and return its output; raise a LabError with its last lines when it fails."""
    try:
        result = subprocess.run(
            [str(part) for part in argv],
            input=stdin,
            cwd=cwd,
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL if stdin is None else None,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]} is not installed.") from error
    if result.returncode != 0:
        raise LabError(
            f"`{_display_argv(argv)}` failed with exit code {result.returncode}:\n{last_lines(result.stdout)}"
        )
    return result.stdout


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Run a program without output; return whether it succeeds."""
    result = subprocess.run(
        [str(part) for part in argv], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return result.returncode == 0


def last_lines(text: str) -> str:
    """The end of a program's output, which usually has the cause of a failure."""
    return "\n".join(text.strip().splitlines()[-EXCERPT_LINES:])


def _display_argv(argv: Sequence[str | Path]) -> str:
    parts = [str(part) for part in argv]
    return " ".join([Path(parts[0]).name, *parts[1:6]]) + (" …" if len(parts) > 6 else "")
