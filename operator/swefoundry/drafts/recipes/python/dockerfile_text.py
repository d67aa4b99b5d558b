"""The Dockerfile of a Python draft, in the order in which layers are shared.

::

    FROM                      every instance
    uv and a virtualenv       every instance on this base
    Debian packages           those that need the same
    the project's build tools those with the same build system
    dependencies              instances with the same needs as of the same day
    COPY . /testbed           this instance
    the project itself        this instance
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from swefoundry.drafts.overrides import apt_step
from swefoundry.drafts.recipes.python.build_tools import Installation
from swefoundry.drafts.recipes.python.pytest_settings import EMPTY_CONFIG

UV = "uv==0.13.9"
"""Reads packages' upload times for --exclude-newer; pinned, so that equal drafts resolve alike."""


@dataclass(frozen=True)
class Environment:
    """Everything that the Dockerfile says."""

    base: str
    tools: str | None
    """Another base image to take uv from."""
    apt: Sequence[str]
    installation: Installation
    requirements: Sequence[str]
    until: date | None
    dated: Sequence[tuple[str, date]] = ()
    """Distributions with a day of their own."""
    folders: Sequence[str] = ()
    """Folders of the source for PYTHONPATH, relative to /testbed."""
    whole: bool = False
    empty_config: bool = False


def dockerfile(environment: Environment) -> str:
    """The text, one step a line."""
    steps = [
        *_beginning(environment),
        *([apt_step(sorted(environment.apt))] if environment.apt else []),
        _install_step(environment.installation.tools, "", 0),
        _install_step(environment.requirements, _dates(environment)),
        *([f"RUN printf '[pytest]\\n' > {EMPTY_CONFIG}"] if environment.empty_config else []),
        "COPY . /testbed",
        "WORKDIR /testbed",
        *_project(environment),
    ]
    return "\n".join(step for step in steps if step) + "\n"


def _beginning(environment: Environment) -> list[str]:
    variables = "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8"
    if environment.tools is None:
        both = f"RUN pip install --no-cache-dir {UV} && python3 -m venv --without-pip /opt/venv"
        return [f"FROM {environment.base}", variables, both]
    return [
        f"FROM {environment.tools} AS tools",
        f"RUN pip install --no-cache-dir {UV}",
        f"FROM {environment.base}",
        variables,
        "COPY --from=tools /usr/local/bin/uv /usr/local/bin/uv",
        "RUN python3 -m venv --without-pip /opt/venv",
    ]


def _dates(environment: Environment) -> str:
    general = f" --exclude-newer {environment.until}" if environment.until else ""
    return general + "".join(f" --exclude-newer-package {name}={day}" for name, day in environment.dated)


def _install_step(requirements: Sequence[str], options: str, least: int = 1) -> str:
    if len(requirements) < least:
        return ""
    lines = [
        f"RUN uv pip install --no-cache{options}",
        *(f"    {shlex.quote(item)}" for item in requirements),
    ]
    return " \\\n".join(lines)


def installation_again(environment: Environment) -> str | None:
    """The command that installs the project once more, from what is in the image; None where nothing is installed."""
    return _install_project(environment, " --reinstall", " --no-deps")


def _install_project(environment: Environment, again: str, rest: str) -> str | None:
    installation = environment.installation
    if installation.develop:
        return f"{_variables(installation)}python setup.py -q develop --no-deps"
    if not installation.editable:
        return None
    apart = "" if installation.isolated else " --no-build-isolation"
    return f"{_variables(installation)}uv pip install --no-cache{again}{apart}{rest} -e ."


def _project(environment: Environment) -> list[str]:
    installation = environment.installation
    command = _install_project(environment, "", _dates(environment) if environment.whole else " --no-deps")
    steps = [f"RUN {command}"] if command else []
    folders = environment.folders if installation.editable else ["", *environment.folders]
    if folders:
        path = ":".join(f"/testbed/{folder}".rstrip("/") for folder in folders)
        steps.append(f"ENV PYTHONPATH={path}")
    return steps


def _variables(installation: Installation) -> str:
    return "".join(f"{key}={shlex.quote(value)} " for key, value in installation.environment)
