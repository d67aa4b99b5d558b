"""What has to be made again when another commit's files are laid over the image, and because of which files.

An editable installation takes Python sources from /testbed, so most commits need nothing. Compiled parts and entry
points are made when the project is installed: they need the same installation again.
"""

import re
from collections.abc import Collection

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.dependencies import requirements_in
from swefoundry.drafts.recipes.python.project import PythonProject

_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py")

_COMPILED_SOURCES = (
    "*.[ch]",
    "*.[ch]pp",
    "*.[ch]xx",
    "*.cc",
    "*.hh",
    "*.f90",
    "*.pxd",
    "*.pxi",
    "*.pyx",
    "*.rs",
)
_BUILD_FILES = ("*.cmake", "*_build.py", "CMakeLists.txt", "Cargo.*", "build.py", "meson*")
"""Of compiled parts, and of what says how they are compiled."""

_COMPILING = frozenset(
    {"cffi", "cython", "maturin", "meson-python", "nanobind", "pybind11", "scikit-build", "scikit-build-core"}
    | {"setuptools-rust"}
)
"""Build requirements that are there to compile something."""

_COMPILED_MARKERS = re.compile(
    r"\bext_modules\s*=|\bcffi_modules\b|\brust_extensions\b|\bcythonize\(|\bCMakeExtension\b|\bmypycify\("
    r"|^\s*ext-modules\s*=|^\s*\[+tool\.setuptools-rust|mypyc",
    re.M,
)
_COMPILED_PYTHON = re.compile(r"mypyc|\bcythonize\([^)]*\.py[\"']")
"""Python files that are themselves compiled."""

_ENTRY_POINTS = re.compile(
    r"\bentry_points\b|^\s*\[project\.(?:entry-points|scripts|gui-scripts)"
    r"|^\s*\[tool\.(?:poetry\.(?:plugins|scripts)|flit\.(?:entrypoints|scripts))",
    re.M,
)

_GUARD = "if ! "
_LOG = "/tmp/rebuild.log"

_COMPILERS = frozenset({"build-essential", "cargo", "clang", "g++", "gcc", "gfortran", "rustc"})
_BARE_BASE = re.compile(r"slim|alpine")


def is_compiled(project: PythonProject) -> bool:
    """Whether the project has parts that are compiled when it is installed."""
    build = {canonicalize_name(item.name) for item in requirements_in(project.declared.build)}
    return bool(build & _COMPILING) or _COMPILED_MARKERS.search(_manifest_text(project)) is not None


def has_compiler(base: str, apt: Collection[str]) -> bool:
    """Whether there is something to compile with; where there is not, optional parts were left out."""
    return not _BARE_BASE.search(base) or bool(_COMPILERS & set(apt))


def rebuild_globs(project: PythonProject, compiling: bool) -> list[str]:
    """Globs of the files that the installation makes something of; none: it need not be done again."""
    text = _manifest_text(project)
    if compiling:
        python = ("*.py",) if _COMPILED_PYTHON.search(text) else ()
        return sorted({*_COMPILED_SOURCES, *_BUILD_FILES, *_MANIFESTS, *python})
    return list(_MANIFESTS) if _ENTRY_POINTS.search(text) else []


def with_rebuild(rebuild_command: str, command: str) -> str:
    """The test command behind an installation; when that fails, the tests could not run (2, as pytest says it)."""
    return f"{_GUARD}{rebuild_command} > {_LOG} 2>&1; then cat {_LOG}; exit 2; fi; {command}"


def without_rebuild(command: str) -> str:
    """The test command alone."""
    return command.partition("; fi; ")[2] if has_rebuild(command) else command


def has_rebuild(command: str) -> bool:
    """Whether the test command stands behind an installation."""
    return command.startswith(_GUARD) and _LOG in command


def _manifest_text(project: PythonProject) -> str:
    return "\n".join(file.text for file in project.facts.manifests if file.path in _MANIFESTS)
