"""Derive constraints from the log excerpt of a failed build."""

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.build_limits import LIMIT_FOR_2TO3, build_limit_constraints
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.distributions import distribution_of

_NAME = r"([A-Za-z0-9][\w.-]*)"
_PACKAGES_BY_HEADER = {
    "ffi.h": "libffi-dev",
    "libxml/": "libxml2-dev libxslt1-dev",
    "openssl/": "libssl-dev",
    "zlib.h": "zlib1g-dev",
    "jpeglib.h": "libjpeg-dev",
    "yaml.h": "libyaml-dev",
    "libpq-fe.h": "libpq-dev",
    "Python.h": "python3-dev",
    "sqlite3.h": "libsqlite3-dev",
}
_PACKAGES_BY_PROGRAM = {
    "pg_config": "libpq-dev gcc libc6-dev",
    "mysql_config": "default-libmysqlclient-dev gcc libc6-dev pkg-config",
    "xml2-config": "libxml2-dev libxslt1-dev gcc libc6-dev",
    "xslt-config": "libxml2-dev libxslt1-dev gcc libc6-dev",
    "git": "git",
    "rustc": "rustc cargo",
    "cargo": "rustc cargo",
    "cmake": "cmake make gcc g++",
    "make": "make gcc libc6-dev",
}
_NO_COMPILER = re.compile(
    r"(?:command|execute) '?(?:[\w-]*gcc|cc|c\+\+|[\w-]*g\+\+|clang)'?.*(?:failed|No such)|unknown: .*gcc"
    r"|Unknown compiler\(s\)|No CMAKE_C(?:XX)?_COMPILER could be found"
)
_NO_CARGO = re.compile(r"can't find Rust compiler|Cargo, the Rust package manager, is not installed")


def build_log_constraints(log: str, applied: Constraints = NO_CONSTRAINTS) -> Constraints:
    """Return all constraints of the log, merged; ``applied`` are those that this build already had."""
    learned = Constraints()
    for found_constraints in (*_resolution_constraints(log), *_failed_build_constraints(log, applied)):
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
    for header, packages in _PACKAGES_BY_HEADER.items():
        if re.search(rf"fatal error: {re.escape(header)}\S*: No such file", log):
            yield _apt_constraint(packages + " gcc libc6-dev")


def _program_constraints(log: str) -> Iterator[Constraints]:
    yield from _compiler_constraints(log)
    for program, packages in _PACKAGES_BY_PROGRAM.items():
        if re.search(
            rf"(?:No such file or directory: |/bin/sh: .*|command )['\"]?{program}['\"]?(?:: not found)?\s*$",
            log,
            re.M,
        ):
            yield _apt_constraint(packages)


def _apt_constraint(packages: str) -> Constraints:
    return Constraints(apt=frozenset(packages.split()))


def _failed_build_constraints(log: str, known: Constraints) -> Iterator[Constraints]:
    """Allow another release, which may have a wheel; where none has, add compiler, headers and programs."""
    if _is_own_build(log):
        yield _own_build_constraints(log, known)
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


def _own_build_constraints(log: str, known: Constraints) -> Constraints:
    """The project itself does not build: install what its build misses, else put it on PYTHONPATH."""
    old_tools = _own_tools_of_the_time(log)
    if old_tools.merged(known) != known:
        return old_tools
    missing = re.search(r"No module named '([\w.]+)'", log)
    if missing and missing[1].split(".")[0] not in ("setuptools", "distutils", "imp"):
        return Constraints(build_requirements=frozenset(filter(None, {distribution_of(missing[1])})))
    missed = frozenset(
        name for found_constraints in _compiler_constraints(log) for name in found_constraints.apt
    )
    return Constraints(on_path=True) if missed <= known.apt else Constraints(apt=missed)


def _own_tools_of_the_time(log: str) -> Constraints:
    """Old build tools for the project itself; not for `use_2to3`, which imports converted copies of its sources."""
    found = build_limit_constraints(log)
    limits = found.build_limits - {LIMIT_FOR_2TO3}
    return Constraints(build_requirements=limits, below=found.below) if limits else NO_CONSTRAINTS
