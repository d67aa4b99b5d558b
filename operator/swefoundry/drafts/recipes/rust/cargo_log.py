"""Constraints that a log reveals: what the next draft must have."""

import re

from swefoundry.drafts.recipes.recipe_search import LanguageVersion
from swefoundry.drafts.recipes.rust.cargo_constraints import NO_CARGO_CONSTRAINTS, CargoConstraints

_REQUIRES_RUSTC = re.compile(r"requires rustc (\d+)\.(\d+)")
_TOO_OLD: tuple[tuple[re.Pattern[str], LanguageVersion], ...] = (
    (re.compile(r"feature `edition2021` is required|older than the `2021` edition"), (1, 56)),
    (re.compile(r"feature `edition2024` is required|older than the `2024` edition"), (1, 85)),
    (re.compile(r"lock file version .?4\b"), (1, 78)),
    (
        re.compile(r"use of unstable library feature `?once_cell|use of unstable library feature 'once_cell"),
        (1, 70),
    ),
    (re.compile(r"`let\.\.\.else` statements are unstable"), (1, 65)),
)
_TOO_NEW: tuple[tuple[re.Pattern[str], LanguageVersion], ...] = (
    (re.compile(r"error: missing fragment specifier"), (1, 89)),
    (re.compile(r"E0282\]: type annotations needed for `Box<_>`"), (1, 80)),
)  # fmt: skip
"""What old sources or their dependencies do, and the first releases that refuse it."""

_DENIED = re.compile(r"`#\[(?:deny|forbid)\([\w:]+\)\]` (?:implied by|on by default)|#!\[(?:deny|forbid)\(")
_REQUIRED_FEATURES = re.compile(r"requires the features: (`[^`]+`(?:, `[^`]+`)*)")
_GATED_FEATURE = re.compile(r"gated behind the `([^`]+)` feature")

_SYSTEM_LIBRARY = re.compile(r"The system library `([\w.+-]+)` required by crate")
_LIBRARY_PACKAGES = {
    "alsa": "libasound2-dev",
    "dbus-1": "libdbus-1-dev",
    "fontconfig": "libfontconfig-dev",
    "libcurl": "libcurl4-openssl-dev",
    "libgit2": "libgit2-dev",
    "liblzma": "liblzma-dev",
    "libpq": "libpq-dev",
    "libssh2": "libssh2-1-dev",
    "libudev": "libudev-dev",
    "openssl": "libssl-dev",
    "sqlite3": "libsqlite3-dev",
    "zlib": "zlib1g-dev",
}
_TOOLS: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...] = (
    (re.compile(r"linker `cc` not found|failed to find tool \"(?:cc|gcc)\""), ("gcc", "libc6-dev")),
    (re.compile(r"failed to find tool \"(?:c\+\+|g\+\+)\""), ("g++",)),
    (re.compile(r"pkg-config.{0,40}(?:not found|could not be found|No such file)"), ("pkg-config",)),
    (re.compile(r"Could not find directory of OpenSSL installation"), ("libssl-dev", "pkg-config")),
    (re.compile(r"is `cmake` not installed\?"), ("cmake", "make", "g++")),
    (re.compile(r"Unable to find libclang"), ("libclang-dev",)),
    (re.compile(r"Could not find `protoc`"), ("protobuf-compiler",)),
)  # fmt: skip


_MISSING_FILE = re.compile(r"panicked at (?:.*\n)?.*No such file or directory")
"""Of a test, perhaps because it starts an example, which it finds beside itself."""


def log_constraints(log: str, has_examples: bool = False) -> CargoConstraints:
    """Return the constraints that a log of a build or of tests reveals.

    ``has_examples``: whether the source has examples.
    """
    learned = NO_CARGO_CONSTRAINTS
    for version in _required_versions(log):
        learned = learned.merged(CargoConstraints(at_least=version))
    for pattern, version in _TOO_NEW:
        if pattern.search(log):
            learned = learned.merged(CargoConstraints(below=version))
    return learned.merged(
        CargoConstraints(
            apt=_debian_packages(log),
            features=_features(log),
            examples=has_examples and _MISSING_FILE.search(log) is not None,
            cap_lints=_DENIED.search(log) is not None,
        )
    )


def _required_versions(log: str) -> list[LanguageVersion]:
    named = [(int(major), int(minor)) for major, minor in _REQUIRES_RUSTC.findall(log)]
    return named + [version for pattern, version in _TOO_OLD if pattern.search(log)]


def _features(log: str) -> frozenset[str]:
    lists = _REQUIRED_FEATURES.findall(log)
    required = {name for each in lists for name in re.findall(r"`([^`]+)`", each)}
    return frozenset(required | set(_GATED_FEATURE.findall(log)))


def _debian_packages(log: str) -> frozenset[str]:
    libraries = {
        _LIBRARY_PACKAGES[name] for name in _SYSTEM_LIBRARY.findall(log) if name in _LIBRARY_PACKAGES
    }
    tools = {package for pattern, packages in _TOOLS if pattern.search(log) for package in packages}
    return frozenset(tools | libraries | ({"pkg-config"} if libraries else set()))


_PERMISSIONS = re.compile(
    r"permission denied|PermissionDenied|EACCES|as root\b|operation not permitted", re.IGNORECASE
)


def asks_for_permissions(log: str) -> bool:
    """Whether a failed test expected to be denied something, which root never is."""
    return _PERMISSIONS.search(log) is not None
