"""Decide what must be rebuilt when another commit's files replace those in the image, and which files require it.

An editable installation reads Python sources from /testbed, so most commits need nothing. Compiled parts and entry
points are created when the project is installed, so they need the same installation again.
"""

import re
from collections.abc import Collection

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.requirement_names import requirements_in

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
"""Sources of compiled parts, and files that configure their build."""

_COMPILING = frozenset(
    {"cffi", "cython", "maturin", "meson-python", "nanobind", "pybind11", "scikit-build", "scikit-build-core"}
    | {"setuptools-rust"}
)
"""Build requirements that compile something."""

_COMPILED_MARKERS = re.compile(
    r"\bext_modules\s*=|\bcffi_modules\b|\brust_extensions\b|\bcythonize\(|\bCMakeExtension\b|\bmypycify\("
    r"|^\s*ext-modules\s*=|^\s*\[+tool\.setuptools-rust|mypyc",
    re.M,
)
_OPTIONAL_PARTS = re.compile(
    r"optional\s*=\s*True|optional_build_ext|\bFeature\(|BuildFailed|BuildExtensionFailed|[Ss]peedups?\b"
    r"|mypyc|allow_fail|without[_-]c?ext|NO_EXT|_EXTENSIONS\b|PURE_PYTHON"
)
"""Signs in a setup.py that the project also runs without its compiled parts."""

_COMPILED_PYTHON = re.compile(r"mypyc|\bcythonize\([^)]*\.py[\"']")
"""Projects whose Python files are themselves compiled."""

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
    """Whether installing the project compiles something."""
    build = {canonicalize_name(item.name) for item in requirements_in(project.declared.build)}
    return bool(build & _COMPILING) or _COMPILED_MARKERS.search(_manifest_text(project)) is not None


def needs_compilation(project: PythonProject) -> bool:
    """Whether the project cannot be imported without its compiled parts."""
    return is_compiled(project) and _OPTIONAL_PARTS.search(_manifest_text(project)) is None


def has_compiler(base: str, apt: Collection[str]) -> bool:
    """Whether the image has a compiler; without one, optional compiled parts were left out."""
    return not _BARE_BASE.search(base) or bool(_COMPILERS & set(apt))


def rebuild_globs(project: PythonProject, compiling: bool) -> list[str]:
    """Return globs of the files from which the installation generates something; empty: no rebuild is needed."""
    text = _manifest_text(project)
    if compiling:
        python = ("*.py",) if _COMPILED_PYTHON.search(text) else ()
        return sorted({*_COMPILED_SOURCES, *_BUILD_FILES, *_MANIFESTS, *python})
    return list(_MANIFESTS) if _ENTRY_POINTS.search(text) else []


def with_rebuild(rebuild_command: str, command: str) -> str:
    """Prepend an installation to a test command; when it fails, the tests could not run (2, as pytest exits)."""
    return f"{_GUARD}{rebuild_command} > {_LOG} 2>&1; then cat {_LOG}; exit 2; fi; {command}"


def without_rebuild(command: str) -> str:
    """Return the test command without the installation."""
    return command.partition("; fi; ")[2] if has_rebuild(command) else command


def has_rebuild(command: str) -> bool:
    """Whether an installation precedes the test command."""
    return command.startswith(_GUARD) and _LOG in command


def _manifest_text(project: PythonProject) -> str:
    return "\n".join(part.manifest_text for part in (project.own, *project.needed))
