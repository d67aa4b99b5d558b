"""Render the Dockerfile of a Python draft, in the order in which layers are shared.

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

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.python.build_tools import Installation
from swefoundry.drafts.recipes.python.pytest_settings import EMPTY_PYTEST_INI

UV = "uv==0.13.9"
"""Pinned, so that equal drafts resolve to the same packages; supports --exclude-newer."""


@dataclass(frozen=True)
class PythonEnvironment:
    """The content of the Dockerfile."""

    base: str
    uv_base: str | None
    """Base image from which uv is copied."""
    apt: Sequence[str]
    installation: Installation
    requirements: Sequence[str]
    until: date | None
    package_dates: Sequence[tuple[str, date]] = ()
    """Distributions that are resolved as of another day."""
    python_path: Sequence[str] = ()
    """Folders of the source for PYTHONPATH, relative to /testbed."""
    installer_resolves: bool = False
    empty_config: bool = False


def dockerfile(environment: PythonEnvironment) -> str:
    """Return the text, one step a line."""
    steps = [
        *_base_steps(environment),
        *([apt_step(sorted(environment.apt))] if environment.apt else []),
        _install_step(environment.installation.tools, "", 0),
        _install_step(environment.requirements, _date_options(environment)),
        *([f"RUN printf '[pytest]\\n' > {EMPTY_PYTEST_INI}"] if environment.empty_config else []),
        f"COPY . {SOURCE_ROOT}",
        f"WORKDIR {SOURCE_ROOT}",
        *_project_steps(environment),
    ]
    return "\n".join(step for step in steps if step) + "\n"


def _base_steps(environment: PythonEnvironment) -> list[str]:
    variables = "ENV VIRTUAL_ENV=/opt/venv PATH=/opt/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8"
    if environment.uv_base is None:
        both = f"RUN pip install --no-cache-dir {UV} && python3 -m venv --without-pip /opt/venv"
        return [f"FROM {environment.base}", variables, both]
    return [
        f"FROM {environment.uv_base} AS tools",
        f"RUN pip install --no-cache-dir {UV}",
        f"FROM {environment.base}",
        variables,
        "COPY --from=tools /usr/local/bin/uv /usr/local/bin/uv",
        "RUN python3 -m venv --without-pip /opt/venv",
    ]


def _date_options(environment: PythonEnvironment) -> str:
    general = f" --exclude-newer {environment.until}" if environment.until else ""
    return general + "".join(
        f" --exclude-newer-package {name}={day}" for name, day in environment.package_dates
    )


def _install_step(requirements: Sequence[str], options: str, minimum: int = 1) -> str:
    if len(requirements) < minimum:
        return ""
    lines = [
        f"RUN uv pip install --no-cache{options}",
        *(f"    {shlex.quote(item)}" for item in requirements),
    ]
    return " \\\n".join(lines)


def reinstall_command(environment: PythonEnvironment) -> str | None:
    """Return the command that reinstalls the project from what the image has; None where nothing is installed."""
    return _install_project(environment, " --reinstall", " --no-deps")


def _install_project(environment: PythonEnvironment, again: str, rest: str) -> str | None:
    installation = environment.installation
    if installation.develop:
        return f"{_variable_prefix(installation)}python setup.py -q develop --no-deps"
    if not installation.editable:
        return None
    apart = "" if installation.isolated else " --no-build-isolation"
    return f"{_variable_prefix(installation)}uv pip install --no-cache{again}{apart}{rest} -e ."


def _project_steps(environment: PythonEnvironment) -> list[str]:
    installation = environment.installation
    command = _install_project(
        environment, "", _date_options(environment) if environment.installer_resolves else " --no-deps"
    )
    steps = [f"RUN {command}"] if command else []
    folders = environment.python_path if installation.editable else ["", *environment.python_path]
    if folders:
        path = ":".join(f"{SOURCE_ROOT}/{folder}".rstrip("/") for folder in folders)
        steps.append(f"ENV PYTHONPATH={path}")
    return steps


def _variable_prefix(installation: Installation) -> str:
    return "".join(f"{key}={shlex.quote(value)} " for key, value in installation.environment)
