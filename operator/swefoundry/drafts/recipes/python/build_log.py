"""Derive constraints from the log excerpt of a failed build."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.build_limits import LIMIT_FOR_2TO3, build_limit_constraints
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.debian_packages import (
    libraries_of_headers_in,
    missing_libraries,
    missing_programs,
)
from swefoundry.drafts.recipes.python.distributions import distribution_of
from swefoundry.drafts.recipes.python.interpreters import PythonVersion

_NAME = r"([A-Za-z0-9][\w.-]*)"
_NO_COMPILER = re.compile(
    r"(?:command|execute) '?(?:[\w-]*gcc|cc|c\+\+|[\w-]*g\+\+|clang)'?.*(?:failed|No such)|unknown: .*gcc"
    r"|Unknown compiler\(s\)|No CMAKE_C(?:XX)?_COMPILER could be found"
)
_REMOVED_FROM_HEADERS: tuple[tuple[PythonVersion, str], ...] = (
    ((3, 7), "has no member named .(?:exc_type|exc_value|exc_traceback)\\b"),
    ((3, 8), "PyCode_New.*\\n?.*too few arguments|too few arguments to function .PyCode_New"),
    ((3, 9), "has no member named .tp_print"),
    (
        (3, 11),
        "longintrepr\\.h: No such file|has no member named .use_tracing|incomplete typedef .PyFrameObject",
    ),
    ((3, 12), "has no member named .(?:ob_digit|curexc_type|curexc_value)|wstr_length"),
    ((3, 13), "_PyUnicode_FastCopyCharacters|too few arguments to function ._PyLong_AsByteArray"),
)
"""Interpreter -> patterns of messages of the C compiler that show that C sources, often Cython's, need an older one."""

_NO_CARGO = re.compile(r"can't find Rust compiler|Cargo, the Rust package manager, is not installed")


@dataclass(frozen=True)
class OwnBuild:
    """The build of the project itself."""

    compiled: bool = False
    """It has compiled parts, so that it cannot be imported unbuilt."""
    text: str = ""
    """Its manifests."""


def build_log_constraints(
    log: str, applied: Constraints = NO_CONSTRAINTS, own: OwnBuild = OwnBuild()
) -> Constraints:
    """Return all constraints of the log, merged; ``applied`` are those that this build already had."""
    learned = Constraints()
    for found_constraints in (
        *_resolution_constraints(log),
        *_failed_build_constraints(log, applied, own),
        *_interpreter_constraints(log),
    ):
        learned = learned.merged(found_constraints)
    return learned


def _resolution_constraints(log: str) -> Iterator[Constraints]:
    flat = re.sub(r"\s*\n\s*(?:│|╰─▶|╷)?\s*", " ", log)
    for name in re.findall(_NAME + r" was not found in the (?:package registry|provided)", flat):
        yield Constraints(absent=frozenset({canonicalize_name(name)}))
    late = frozenset(re.findall(r"`" + _NAME + r"` was filtered by `exclude-newer`", flat))
    if late:
        yield Constraints(undated=frozenset(canonicalize_name(name) for name in late))
        return
    if "No solution found" in log or "unsatisfiable" in log:
        names = re.findall(r"(?:you require|depends on) " + _NAME, flat)
        loose: set[str] = {canonicalize_name(name) for name in names}
        yield Constraints(loosen=frozenset(loose or {"*"}))


def _compiler_constraints(log: str) -> Iterator[Constraints]:
    if _NO_COMPILER.search(log):
        yield _apt_constraint("g++ gcc libc6-dev" if re.search(r"g\+\+|CXX", log) else "gcc libc6-dev")
    if _NO_CARGO.search(log):
        yield _apt_constraint("cargo gcc libc6-dev rustc")
    yield Constraints(apt=missing_libraries(log))


def _program_constraints(log: str) -> Iterator[Constraints]:
    yield from _compiler_constraints(log)
    for packages in missing_programs(log):
        yield Constraints(apt=packages)


def _apt_constraint(packages: str) -> Constraints:
    return Constraints(apt=frozenset(packages.split()))


def _interpreter_constraints(log: str) -> Iterator[Constraints]:
    """C sources that use what later interpreters removed from their headers -> an older interpreter."""
    for version, pattern in _REMOVED_FROM_HEADERS:
        if re.search(pattern, log):
            yield Constraints(below=version)


def _failed_build_constraints(log: str, known: Constraints, own: OwnBuild) -> Iterator[Constraints]:
    """Allow another release, which may have a wheel; where none has, add compiler, headers and programs."""
    if _is_own_build(log):
        yield _own_build_constraints(log, known, own)
        yield from _program_constraints(log)
        return
    of_the_time = build_limit_constraints(log)
    if of_the_time.merged(known) != known:
        yield of_the_time
        return
    failed = re.findall(r"Failed to (?:build|download and build|download) `?" + _NAME + r"==", log)
    if not failed:  # the beginning of the log was cut
        yield from _program_constraints(log)
    for name in failed:
        plain: frozenset[str] = frozenset({canonicalize_name(name)})
        yield Constraints(loosen=plain, drop=plain, as_of_candidate=plain)
        if plain <= known.loosen:
            yield from _program_constraints(log)


def _is_own_build(log: str) -> bool:
    return bool(re.search(r"Failed to build `[^`]*file:///testbed|@ file:///testbed", log))


def _own_build_constraints(log: str, known: Constraints, own: OwnBuild) -> Constraints:
    """The project itself does not build: install what its build misses, else put it on PYTHONPATH.

    A build stops at the first missing library: a compiled project gets those of all headers that setup.py names.
    """
    old_tools = _own_tools_of_the_time(log)
    if old_tools.merged(known) != known:
        return old_tools
    missing = re.search(r"No module named '([\w.]+)'", log)
    if missing and missing[1].split(".")[0] not in ("setuptools", "distutils", "imp"):
        return Constraints(build_requirements=frozenset(filter(None, {distribution_of(missing[1])})))
    missed = frozenset(
        name for found_constraints in _compiler_constraints(log) for name in found_constraints.apt
    )
    if missed <= known.apt:
        return NO_CONSTRAINTS if own.compiled else Constraints(on_path=True)
    return Constraints(apt=missed | (libraries_of_headers_in(own.text) if own.compiled else frozenset()))


def _own_tools_of_the_time(log: str) -> Constraints:
    """Old build tools for the project itself; not for `use_2to3`, which imports converted copies of its sources."""
    found = build_limit_constraints(log)
    limits = found.build_limits - {LIMIT_FOR_2TO3}
    return Constraints(build_requirements=limits, below=found.below) if limits else NO_CONSTRAINTS
