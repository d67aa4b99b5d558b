"""Build tools of the time for old source distributions, which do not build with those of today.

uv builds each in an isolated environment, with the newest tools that its `[build-system]` and the resolution date
allow; older archives name no bounds. Constraints for these environments come from the log of a failed build, or from
the date of the change, when distributions of that date are resolved apart from the rest.
"""

import re
from datetime import date

from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.interpreters import PythonVersion

LIMIT_FOR_2TO3 = "setuptools<58"

_LIMITS_BY_MESSAGE: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        r"cannot import name '?Feature'? from '?setuptools|module 'setuptools' has no attribute 'Feature'",
        ("setuptools<46",),
    ),
    (r"use_2to3 is invalid", (LIMIT_FOR_2TO3,)),
    (r"No module named '?pkg_resources", ("setuptools<81",)),
    (r"No module named '?setuptools\.(?:_distutils\.)?(?:msvccompiler|command\.test)", ("setuptools<72",)),
    (r"cannot import name '?(?:test|TestCommand)'? from '?setuptools\.command", ("setuptools<72",)),
    (r"Cython\.Compiler\.Errors|'cython_sources'|cython_sources|not a cdef class.*noexcept", ("cython<3",)),
    (
        r"No module named '?numpy\.distutils|numpy\.distutils.*(?:deprecated|removed)",
        ("numpy<1.26", "setuptools<60"),
    ),
    (r"AttributeError: `?np\.(?:int|float|bool|object)`? was|no attribute 'PyArray_Descr'", ("numpy<1.24",)),
)
"""Message of a failed build -> constraints of the build environment."""

_BELOW_3_12 = re.compile(
    r"'pkgutil' has no attribute 'ImpImporter'|No module named '?(?:distutils|imp|numpy\.distutils)'?$"
    r"|'configparser' has no attribute 'SafeConfigParser'",
    re.MULTILINE,
)
"""Messages of build tools that need an interpreter with distutils, imp and the like."""

_SETUPTOOLS_BY_DATE: tuple[tuple[date, str], ...] = (
    (date(2020, 3, 8), "setuptools<46"),
    (date(2021, 9, 4), LIMIT_FOR_2TO3),
)
"""Releases of setuptools that removed what older archives use (`Feature`, `use_2to3`), by day."""

FIRST_WITHOUT_OLD_TOOLS: PythonVersion = (3, 12)
"""Setuptools before 66 does not start on this interpreter."""


def build_limit_constraints(log: str) -> Constraints:
    """Return the build constraints that the log of a failed build shows."""
    found = frozenset(
        limit for pattern, limits in _LIMITS_BY_MESSAGE if re.search(pattern, log) for limit in limits
    )
    old = any(limit in found for _, limit in _SETUPTOOLS_BY_DATE) or _BELOW_3_12.search(log) is not None
    if not found and not old:
        return NO_CONSTRAINTS
    return Constraints(build_limits=found, below=FIRST_WITHOUT_OLD_TOOLS if old else None)


def build_limits_of(created: date, python: PythonVersion) -> frozenset[str]:
    """Return the build constraints for distributions of the time of the change."""
    if python >= FIRST_WITHOUT_OLD_TOOLS:
        return frozenset()
    return frozenset(next(([limit] for day, limit in _SETUPTOOLS_BY_DATE if created < day), []))
