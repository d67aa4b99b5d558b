"""Apply a user's overrides to the draft of any strategy.

Works on the Dockerfile's text, so that an override means the same for every strategy. Only the last stage is changed,
because it becomes the task image.
"""

import re

from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step, command_step

_FROM = re.compile(r"^\s*FROM\s", re.IGNORECASE)
_FROM_IMAGE = re.compile(r"^(\s*FROM\s+(?:--\S+\s+)*)(\S+)", re.IGNORECASE)
_COPY_SOURCE = re.compile(rf"^\s*COPY\s+(?:--\S+\s+)*\.\s+{SOURCE_ROOT}/?\s*$", re.IGNORECASE)


def with_overrides(draft: Draft, overrides: Overrides | None) -> Draft:
    """Return the draft with every override applied."""
    if overrides is None:
        return draft
    lines = draft.dockerfile.splitlines()
    lines = _with_base(lines, overrides.base_image)
    lines = _with_packages(lines, overrides.apt_packages)
    lines = _with_commands(lines, overrides.pre_install)
    return draft.model_copy(
        update={
            "dockerfile": "\n".join(lines) + "\n",
            "test_command": overrides.test_command or draft.test_command,
            "reports": draft.reports if overrides.reports is None else overrides.reports,
            "error_exit_codes": _error_exit_codes(draft, overrides),
            "tolerated_failures": draft.tolerated_failures
            if overrides.tolerated_failures is None
            else overrides.tolerated_failures,
            "run_as_user": overrides.run_as_user or draft.run_as_user,
        }
    )


def _error_exit_codes(draft: Draft, overrides: Overrides) -> list[int] | None:
    """The codes of a strategy belong to its own command: with another command, the default for that one holds."""
    if overrides.error_exit_codes is not None:
        return overrides.error_exit_codes
    return draft.error_exit_codes if overrides.test_command is None else None


def _last_matching_line(lines: list[str], pattern: re.Pattern[str]) -> int | None:
    numbers = [number for number, line in enumerate(lines) if pattern.match(line)]
    return numbers[-1] if numbers else None


def _with_base(lines: list[str], image: str | None) -> list[str]:
    at = _last_matching_line(lines, _FROM)
    if image is None or at is None:
        return lines
    return [*lines[:at], _FROM_IMAGE.sub(rf"\g<1>{image}", lines[at]), *lines[at + 1 :]]


def _with_packages(lines: list[str], packages: list[str]) -> list[str]:
    at = _last_matching_line(lines, _FROM)
    if not packages or at is None:
        return lines
    return [*lines[: at + 1], apt_step(packages), *lines[at + 1 :]]


def _with_commands(lines: list[str], commands: list[str]) -> list[str]:
    """Insert after `COPY . /testbed`, before the project is installed; at the end when there is no such COPY."""
    if not commands:
        return lines
    at = _last_matching_line(lines, _COPY_SOURCE)
    after = len(lines) if at is None else at + 1
    return [*lines[:after], *(command_step(command) for command in commands), *lines[after:]]
