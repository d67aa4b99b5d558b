"""What the project's own build needs, and in which way the project is made importable.

/testbed must stay the place that is imported: the fix is laid over it after the image was built. So the project is
installed editable, or put on PYTHONPATH where its build cannot do that.
"""

import re
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.recipes.python.constraints import Lessons
from swefoundry.drafts.recipes.python.declared import Declared
from swefoundry.drafts.recipes.python.interpreters import Version
from swefoundry.drafts.recipes.python.project import Reading

_OLD_BUILDS = "setuptools>=64,<71"
"""Editable installs came with 64; 71 and later prefer the packaging they find to the one they bring, and refuse
what old setup.cfg and setup.py files say."""

MODERN_EDITABLE: Version = (3, 7)
"""setuptools 64 wants at least this interpreter."""

_ISOLATED = frozenset({"poetry-core", "flit_core", "hatchling", "pdm"})
"""Backends whose newest release builds what older ones did: they run apart, in an environment of their own."""

_COMPILING = {"mesonpy": ("ninja",), "scikit_build_core": ("cmake", "ninja")}
"""What backends that compile fetch for themselves when they run apart. They do not: what they have made is made again
for other commits, without the network, and meson's is even looked at whenever it is imported."""

_PRETEND = (
    ("setuptools[-_]scm|hatch-vcs|flit[-_]scm|vcs-versioning", "SETUPTOOLS_SCM_PRETEND_VERSION"),
    (r"\bpbr\b", "PBR_VERSION"),
    ("poetry-dynamic-versioning", "POETRY_DYNAMIC_VERSIONING_BYPASS"),
    (r"pdm.*source *= *[\"']scm", "PDM_BUILD_SCM_VERSION"),
)
"""Version-from-git tools and the variable that tells them the version where git is not installed."""


@dataclass(frozen=True)
class Installation:
    """How /testbed becomes importable."""

    tools: tuple[str, ...]
    """Installed before the checkout, undated: they shape the installation, not the tests."""
    editable: bool
    develop: bool = False
    """By `setup.py develop`: the setuptools of this interpreter cannot install editable in the modern way."""
    isolated: bool = False
    """Built in an environment of its own, made for the build and thrown away."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables of the install step alone."""


def installation(reading: Reading, python: Version, lessons: Lessons) -> Installation:
    """Editable wherever the backend can do it."""
    declared = reading.declared
    old_poetry = declared.backend == "poetry" or (
        (declared.backend or "").startswith("flit") and _lists(declared, "flit")
    )
    editable = declared.entry and not lessons.on_path and not old_poetry
    pretended = _pretended(reading.facts, reading.version) if editable else ()
    if editable and python < MODERN_EDITABLE:
        scripted = any(file.path == "setup.py" for file in reading.facts.manifests)
        return Installation(("setuptools", "wheel"), scripted, scripted, environment=pretended)
    isolated = editable and declared.backend in _ISOLATED and not lessons.build
    tools = _tools(declared, lessons) if editable and not isolated else ("setuptools<81",)
    return Installation(tools, editable, isolated=isolated, environment=pretended)


def _lists(declared: Declared, name: str) -> bool:
    return any(re.match(rf"{name}\b(?!_|-core)", item) for item in declared.build)


def _tools(declared: Declared, lessons: Lessons) -> tuple[str, ...]:
    chosen: dict[str, str] = {"setuptools": _setuptools(declared)}
    programs = _COMPILING.get(declared.backend or "", ())
    for item in (*declared.build, *programs, *sorted(lessons.build)):
        try:
            requirement = Requirement(item)
        except InvalidRequirement:
            continue
        name = canonicalize_name(requirement.name)
        if name != "setuptools":
            chosen[name] = item
    chosen.setdefault("wheel", "wheel")
    return tuple(chosen[name] for name in sorted(chosen))


def _setuptools(declared: Declared) -> str:
    """The old range, unless the project asks for something newer."""
    for item in declared.build:
        match = re.match(r"setuptools\b.*?>=?\s*(\d+)", item)
        if match and int(match[1]) >= 71:
            return item
    return _OLD_BUILDS


def _pretended(facts: Facts, version: str | None) -> tuple[tuple[str, str], ...]:
    text = "\n".join(
        file.text for file in facts.manifests if file.path in ("pyproject.toml", "setup.py", "setup.cfg")
    )
    match = re.search(r"\d+(?:\.\d+)+(?:(?:a|b|rc|\.post|\.dev)\d+)?|\d+", facts.version_tag or version or "")
    number = match[0] if match else "1.0"
    return tuple((variable, number) for pattern, variable in _PRETEND if re.search(pattern, text))
