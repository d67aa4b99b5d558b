"""Constraints that a log reveals: what the next draft must have."""

import re

from swefoundry.drafts.recipes.go.go_constraints import NO_GO_CONSTRAINTS, GoConstraints
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

_TOO_OLD = re.compile(
    r"(?:requires go ?>= ?|module requires Go |requires newer Go version )1\.(\d+)|requires go1\.(\d+) or later",
    re.IGNORECASE,
)
_TOOLCHAIN_SYNTAX = re.compile(
    r"unknown directive: (?:toolchain|godebug)|invalid go version '1\.\d+[.\d\w]*'"
)
_NOT_IN_STANDARD_LIBRARY = re.compile(r"package ([\w/]+) is not in (?:GOROOT|std)")
_FIRST_WITH: dict[str, LanguageVersion] = {
    "embed": (1, 16),
    "io/fs": (1, 16),
    "testing/fstest": (1, 16),
    "debug/buildinfo": (1, 18),
    "net/netip": (1, 18),
    "cmp": (1, 21),
    "log/slog": (1, 21),
    "maps": (1, 21),
    "slices": (1, 21),
    "testing/slogtest": (1, 21),
    "go/version": (1, 22),
    "math/rand/v2": (1, 22),
    "iter": (1, 23),
    "structs": (1, 23),
    "unique": (1, 23),
    "crypto/hkdf": (1, 24),
    "weak": (1, 24),
    "testing/synctest": (1, 25),
}
"""Packages of the standard library, and the releases that brought them."""

_TOO_NEW: tuple[tuple[re.Pattern[str], LanguageVersion], ...] = (
    (re.compile(r"//go:linkname must refer to declared function or variable"), (1, 18)),
    (re.compile(r"fatal error: crypto/rand: failed to read random data"), (1, 24)),
)
"""golang.org/x/sys of before 2022, tests with a source of random numbers that fails, and the first releases that refuse
them.
"""
_MISSING_PROGRAM = re.compile(r"exec: \"([\w+-]+)\": executable file not found")
_PACKAGES = {
    "gcc": ("gcc", "libc6-dev"),
    "g++": ("g++",),
    "git": ("git",),
    "make": ("make",),
    "pkg-config": ("pkg-config",),
}
_VENDOR = re.compile(r"inconsistent vendoring|cannot find module providing package .*-mod=vendor")
"""The second is of archives of releases: older releases of Go packed `vendor/modules.txt` without the packages."""


def log_constraints(log: str) -> GoConstraints:
    """Return the constraints that a log of a build or of tests reveals."""
    learned = NO_GO_CONSTRAINTS
    for minor in {next(filter(None, groups)) for groups in _TOO_OLD.findall(log)}:
        learned = learned.merged(GoConstraints(at_least=(1, int(minor))))
    if _TOOLCHAIN_SYNTAX.search(log):
        learned = learned.merged(GoConstraints(at_least=(1, 21)))
    for package in _NOT_IN_STANDARD_LIBRARY.findall(log):
        learned = learned.merged(GoConstraints(at_least=_FIRST_WITH.get(package)))
    for pattern, release in _TOO_NEW:
        learned = learned.merged(GoConstraints(below=release if pattern.search(log) else None))
    for program in _MISSING_PROGRAM.findall(log):
        learned = learned.merged(GoConstraints(apt=frozenset(_PACKAGES.get(program, ()))))
    return learned.merged(GoConstraints(download=_VENDOR.search(log) is not None))


_PERMISSIONS = re.compile(
    r"permission denied|EACCES|ErrPermission|as root\b|operation not permitted|\bno[-_ ]?permission",
    re.IGNORECASE,
)


def asks_for_permissions(log: str) -> bool:
    """Whether a failed test expected to be denied something, which root never is."""
    return _PERMISSIONS.search(log) is not None
