"""How a person's overrides change a draft that somebody else wrote.

Works on the Dockerfile's text, so that it means the same for every strategy. Only the last stage is changed: it is the
one that becomes the task image.
"""

import json
import re
import shlex

from swefoundry.contracts.draft import Draft, Overrides

_FROM = re.compile(r"^\s*FROM\s", re.IGNORECASE)
_FROM_IMAGE = re.compile(r"^(\s*FROM\s+(?:--\S+\s+)*)(\S+)", re.IGNORECASE)
_COPY_SOURCE = re.compile(r"^\s*COPY\s+(?:--\S+\s+)*\.\s+/testbed/?\s*$", re.IGNORECASE)


def with_overrides(draft: Draft, overrides: Overrides | None) -> Draft:
    """The draft with every override applied."""
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
        }
    )


def apt_step(packages: list[str]) -> str:
    """One RUN step that installs Debian packages and leaves no package lists behind."""
    names = " ".join(shlex.quote(name) for name in packages)
    return (
        f"RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends {names}"
        " && rm -rf /var/lib/apt/lists/*"
    )


def _last_matching_line(lines: list[str], pattern: re.Pattern[str]) -> int | None:
    found = [number for number, line in enumerate(lines) if pattern.match(line)]
    return found[-1] if found else None


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
    """After the checkout and before the project is installed; at the end of a Dockerfile without the usual COPY."""
    if not commands:
        return lines
    at = _last_matching_line(lines, _COPY_SOURCE)
    after = len(lines) if at is None else at + 1
    return [*lines[:after], *(command_step(command) for command in commands), *lines[after:]]


def command_step(command: str) -> str:
    """One RUN step in /testbed. A command of several lines needs the exec form: a newline would end the instruction."""
    if "\n" in command:
        return "RUN " + json.dumps(["/bin/sh", "-ec", f"cd /testbed\n{command}"])
    return f"RUN cd /testbed && {command}"
