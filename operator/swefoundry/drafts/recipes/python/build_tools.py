"""Choose the build requirements of the project and how it becomes importable.

Tests must import the project from /testbed, because the fix replaces files there after the image was built. So the
project is installed editable, or put on PYTHONPATH where its build backend cannot do that.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata
from swefoundry.drafts.recipes.python.interpreters import PythonVersion
from swefoundry.drafts.recipes.python.project_tree import TreeProject

_SETUPTOOLS_RANGE = "setuptools>=64,<71"
"""Editable installs came with 64; 71 and later prefer an installed packaging to their own copy, and reject values in
old setup.cfg and setup.py files.
"""

FIRST_WITH_EDITABLE: PythonVersion = (3, 7)
"""setuptools 64 requires at least this interpreter."""

_ISOLATED_BACKENDS = frozenset({"poetry-core", "flit_core", "hatchling", "pdm"})
"""Backends whose newest release builds what older ones did: they run in an isolated build environment."""

_TOOLS_BY_COMPILING_BACKEND = {"mesonpy": ("ninja",), "scikit_build_core": ("cmake", "ninja")}
"""Tools that compiling backends would download in an isolated environment.

They are not isolated: a rebuild for another commit runs without the network, and an editable install by meson checks
its build at every import.
"""

_VERSION_VARIABLES = (
    ("setuptools[-_]scm|hatch-vcs|flit[-_]scm|vcs-versioning", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    (r"\bpbr\b", "PBR_VERSION"),
    ("poetry-dynamic-versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
    (r"pdm.*source *= *[\"']scm", "PDM_BUILD_SCM_VERSION"),
)
"""Tools that take the version from git, and the variable that sets the version where git is not installed."""


@dataclass(frozen=True)
class Installation:
    """How the project becomes importable from /testbed."""

    tools: tuple[str, ...]
    """Installed before the source is copied, without a date: they affect the installation, not the tests."""
    editable: bool
    develop: bool = False
    """By `setup.py develop`: the setuptools of this interpreter does not support PEP 660."""
    isolated: bool = False
    """Built in an isolated environment, which is deleted after the build."""
    environment: tuple[tuple[str, str], ...] = ()
    """Environment variables of the install step alone."""


def plan_installation(
    part: TreeProject, python: PythonVersion, constraints: Constraints, version: str | None
) -> Installation:
    """Return an editable installation wherever the backend supports it."""
    declared = part.declared
    editable = declared.installable and not constraints.on_path and not _refuses_editable(part)
    pretended = _version_environment(part.manifest_text, version or declared.version) if editable else ()
    scripted = "setup.py" in part.texts
    if editable and python < FIRST_WITH_EDITABLE:
        return Installation(("setuptools", "wheel"), scripted, scripted, environment=pretended)
    old_tools = _old_setuptools(constraints)
    if editable and scripted and old_tools is not None:
        others = [item for item in _build_tools(declared, constraints) if not _is_setuptools(item)]
        return Installation((old_tools, *others), True, develop=True, environment=pretended)
    isolated = editable and declared.backend in _ISOLATED_BACKENDS and not constraints.build_requirements
    tools = _build_tools(declared, constraints) if editable and not isolated else ("setuptools<81",)
    return Installation(tools, editable, isolated=isolated, environment=pretended)


def _old_setuptools(constraints: Constraints) -> str | None:
    """Return the setuptools of the time that the project's own setup.py needs; None: it needs none."""
    limits = filter(_is_setuptools, constraints.build_requirements)
    return min(limits, key=lambda limit: int(limit.partition("<")[2] or 0), default=None)


def _is_setuptools(requirement: str) -> bool:
    return re.match(r"setuptools(?![\w-])", requirement) is not None


_URL_REQUIREMENT = re.compile(r"[\"'][\w.-]+(?:\[[^\]]*\])?\s*@\s*(?:\w+\+\w+:|https?:|file:|\{)")


def _refuses_editable(part: TreeProject) -> bool:
    """Whether the backend cannot install the project editable, or refuses its metadata."""
    declared = part.declared
    if declared.backend == "hatchling" and "allow-direct-references" not in part.manifest_text:
        return _URL_REQUIREMENT.search(part.texts.get("pyproject.toml", "")) is not None
    return declared.backend == "poetry" or (
        (declared.backend or "").startswith("flit") and _requires_for_build(declared, "flit")
    )


def all_tools(installations: Iterable[Installation]) -> tuple[str, ...]:
    """Return the tools of several installations; of two requirements for one tool the longer, which says more."""
    chosen: dict[str, str] = {}
    for item in (tool for each in installations for tool in each.tools):
        name = re.split(r"[\s<>=!~;\[]", item)[0]
        chosen[name] = max(chosen.get(name, ""), item, key=len)
    return tuple(chosen[name] for name in sorted(chosen))


def _requires_for_build(declared: DeclaredMetadata, name: str) -> bool:
    return any(re.match(rf"{name}\b(?!_|-core)", item) for item in declared.build)


def _build_tools(declared: DeclaredMetadata, constraints: Constraints) -> tuple[str, ...]:
    chosen: dict[str, str] = {"setuptools": _setuptools_requirement(declared)}
    programs = _TOOLS_BY_COMPILING_BACKEND.get(declared.backend or "", ())
    for item in (*declared.build, *programs, *sorted(constraints.build_requirements)):
        try:
            requirement = Requirement(item)
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        if name != "setuptools":
            chosen[name] = item
    chosen.setdefault("wheel", "wheel")
    return tuple(chosen[name] for name in sorted(chosen))


def _setuptools_requirement(declared: DeclaredMetadata) -> str:
    """Return the default range, unless the project requires something newer."""
    for item in declared.build:
        match = re.match(r"setuptools\b.*?>=?\s*(\d+)", item)
        if match and int(match[1]) >= 71:
            return item
    return _SETUPTOOLS_RANGE


def _version_environment(manifest_text: str, version: str | None) -> tuple[tuple[str, str], ...]:
    match = re.search(r"\d+(?:\.\d+)+(?:(?:a|b|rc|\.post|\.dev)\d+)?|\d+", version or "")
    number = match[0] if match else "1.0"
    return tuple(
        (variable, number) for pattern, variable in _VERSION_VARIABLES if re.search(pattern, manifest_text)
    )
