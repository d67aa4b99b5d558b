"""What has to be made again when another commit's files are laid over the image, and because of which files.

An editable installation takes Python sources from /testbed, so most commits need nothing. Compiled parts and entry
points are made when the project is installed: they need the same installation again.
"""

import re
from collections.abc import Collection

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.dependencies import requirements_in
from swefoundry.drafts.recipes.python.project import Reading

_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py")

_CODE = ("*.[ch]", "*.[ch]pp", "*.[ch]xx", "*.cc", "*.hh", "*.f90", "*.pxd", "*.pxi", "*.pyx", "*.rs")
_BUILD_FILES = ("*.cmake", "*_build.py", "CMakeLists.txt", "Cargo.*", "build.py", "meson*")
"""Of compiled parts, and of what says how they are compiled."""

_COMPILING = frozenset(
    {"cffi", "cython", "maturin", "meson-python", "nanobind", "pybind11", "scikit-build", "scikit-build-core"}
    | {"setuptools-rust"}
)
"""Build requirements that are there to compile something."""

_COMPILED = re.compile(
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

_FIRST = "if ! "
_LOG = "/tmp/rebuild.log"

_COMPILERS = frozenset({"build-essential", "cargo", "clang", "g++", "gcc", "gfortran", "rustc"})
_BARE_BASE = re.compile(r"slim|alpine")


def is_compiled(reading: Reading) -> bool:
    """Whether the project has parts that are compiled when it is installed."""
    build = {canonicalize_name(item.name) for item in requirements_in(reading.declared.build)}
    return bool(build & _COMPILING) or _COMPILED.search(_text(reading)) is not None


def has_compiler(base: str, apt: Collection[str]) -> bool:
    """Whether there is something to compile with; where there is not, optional parts were left out."""
    return not _BARE_BASE.search(base) or bool(_COMPILERS & set(apt))


def watched(reading: Reading, compiling: bool) -> list[str]:
    """Globs of the files that the installation makes something of; none: it need not be done again."""
    text = _text(reading)
    if compiling:
        python = ("*.py",) if _COMPILED_PYTHON.search(text) else ()
        return sorted({*_CODE, *_BUILD_FILES, *_MANIFESTS, *python})
    return list(_MANIFESTS) if _ENTRY_POINTS.search(text) else []


def rebuilding_first(again: str, command: str) -> str:
    """The test command behind an installation; when that fails, the tests could not run (2, as pytest says it)."""
    return f"{_FIRST}{again} > {_LOG} 2>&1; then cat {_LOG}; exit 2; fi; {command}"


def tests_of(command: str) -> str:
    """The test command alone."""
    return command.partition("; fi; ")[2] if rebuilds(command) else command


def rebuilds(command: str) -> bool:
    """Whether the test command stands behind an installation."""
    return command.startswith(_FIRST) and _LOG in command


def _text(reading: Reading) -> str:
    return "\n".join(file.text for file in reading.facts.manifests if file.path in _MANIFESTS)
