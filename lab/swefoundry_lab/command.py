"""Run another program, and raise an error with its output when it fails."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from swefoundry_lab.errors import LabError

EXCERPT_LINES = 15
"""So many last lines of a failed program are shown; the cause is nearly always among them."""


def run(
    argv: Sequence[str | Path],
    *,
    stdin: str | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end and return what it printed; a failure becomes a sentence with its last lines."""
    try:
        done = subprocess.run(
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
    if done.returncode != 0:
        raise LabError(
            f"`{_display_argv(argv)}` ended with code {done.returncode}:\n{last_lines(done.stdout)}"
        )
    return done.stdout


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Run a program whose failure is an answer, not a fault."""
    quiet = subprocess.run(
        [str(part) for part in argv], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return quiet.returncode == 0


def last_lines(text: str) -> str:
    """The end of a text, where programs say what stopped them."""
    return "\n".join(text.strip().splitlines()[-EXCERPT_LINES:])


def _display_argv(argv: Sequence[str | Path]) -> str:
    words = [str(part) for part in argv]
    return " ".join([Path(words[0]).name, *words[1:6]]) + (" …" if len(words) > 6 else "")
