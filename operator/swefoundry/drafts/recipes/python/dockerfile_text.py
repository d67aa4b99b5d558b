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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.python.build_tools import Installation, all_tools
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
    folder: str = ""
    """Of the project, relative to /testbed."""
    needed: Sequence[tuple[str, Installation]] = ()
    """Further projects of the tree, by folder, installed before the project itself."""
    limits: Sequence[str] = ()
    """Constraints of the dependency layer."""
    build_limits: Sequence[str] = ()
    """Constraints of the isolated builds in the dependency layer."""
    never_asked: Sequence[str] = ()
    """Names that the installer must not ask from the package index, also when a dependency requires them."""
    left_out: Sequence[str] = ()
    """Requirements that are not installed, for people."""


_LISTS = {"limits": "constraints", "build_limits": "build-constraints", "never_asked": "excludes"}
"""Lists of the environment that uv reads from files, by the name of its option."""


def dockerfile(environment: PythonEnvironment) -> str:
    """Return the text, one step a line."""
    steps = [
        *_base_steps(environment),
        *([apt_step(sorted(environment.apt))] if environment.apt else []),
        _install_step(
            all_tools((environment.installation, *(each for _, each in environment.needed))), "", 0
        ),
        *_list_steps(environment),
        _install_step(environment.requirements, _resolution_options(environment)),
        *([f"RUN printf '[pytest]\\n' > {EMPTY_PYTEST_INI}"] if environment.empty_config else []),
        f"COPY . {SOURCE_ROOT}",
        f"WORKDIR {SOURCE_ROOT}",
        *_project_steps(environment),
    ]
    return "\n".join(step for step in steps if step) + "\n"


def _list_steps(environment: PythonEnvironment) -> Iterator[str]:
    if environment.left_out:
        yield f"# not asked from the package index: {', '.join(environment.left_out)}"
    for name, option in _LISTS.items():
        items = getattr(environment, name)
        if items:
            quoted = " ".join(shlex.quote(item) for item in items)
            yield f"RUN printf '%s\\n' {quoted} > /opt/{option}.txt"


def _resolution_options(environment: PythonEnvironment) -> str:
    files = "".join(
        f" --{option} /opt/{option}.txt" for name, option in _LISTS.items() if getattr(environment, name)
    )
    return files + _date_options(environment)


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
    parts = [*environment.needed, (environment.folder, environment.installation)]
    commands = [_install_project(folder, each, " --reinstall", " --no-deps") for folder, each in parts]
    return " && ".join(command for command in commands if command) or None


def _install_project(folder: str, installation: Installation, again: str, rest: str) -> str | None:
    if installation.develop:
        command = f"{_variable_prefix(installation)}python setup.py -q develop --no-deps"
        return f"(cd {shlex.quote(folder)} && {command})" if folder else command
    if not installation.editable:
        return None
    apart = "" if installation.isolated else " --no-build-isolation"
    place = shlex.quote(f"./{folder}") if folder else "."
    return f"{_variable_prefix(installation)}uv pip install --no-cache{again}{apart}{rest} -e {place}"


def _project_steps(environment: PythonEnvironment) -> list[str]:
    """Install projects of the tree; `--no-sources` keeps uv from following the places that their manifests name."""
    installation, alone = environment.installation, " --no-deps"
    sources = " --no-sources" if environment.never_asked else ""
    rest = _resolution_options(environment) if environment.installer_resolves else alone
    commands = [
        *(_install_project(folder, each, "", alone + sources) for folder, each in environment.needed),
        _install_project(environment.folder, installation, "", rest + sources),
    ]
    steps = [f"RUN {command}" for command in commands if command]
    outside = [] if installation.editable or environment.folder else [""]
    folders = [*outside, *environment.python_path]
    if folders:
        path = ":".join(f"{SOURCE_ROOT}/{folder}".rstrip("/") for folder in folders)
        steps.append(f"ENV PYTHONPATH={path}")
    return steps


def _variable_prefix(installation: Installation) -> str:
    return "".join(f"{key}={shlex.quote(value)} " for key, value in installation.environment)
