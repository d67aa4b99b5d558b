"""Classifier of changed files by path: part of the fix, a test, or written by packaging tools. Pure."""

import re
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import lru_cache

TEST_GLOBS = (
    "**/tests/**",
    "**/test/**",
    "**/test_*.py",
    "**/*_test.py",
    "**/tests.py",
    "**/conftest.py",
)
"""Test files of Python projects. `src/app/testing.py` is not among them: it is a module for tests of other projects."""

GO_TEST_GLOBS = ("**/*_test.go", "**/testdata/**")
"""Test files of Go modules, and what they read."""

NPM_TEST_GLOBS = (
    "**/test/**",
    "**/tests/**",
    "**/__tests__/**",
    "**/__snapshots__/**",
    "**/spec/**",
    "**/*.test.*",
    "**/*.spec.*",
    "**/test.*js",
    "**/test.ts",
)
"""Test files of npm packages, and what lies beside them."""

RUST_TEST_GLOBS = ("**/tests/**", "**/tests.rs", "**/*_test.rs", "**/*_tests.rs")
"""Test files of crates. Tests within the file that they test (`mod tests`) are told from it by `rust_test_modules`."""

JAVA_TEST_GLOBS = ("**/src/test/**", "**/src/it/**", "**/src/*Test/**")
"""Folders of tests in projects of Maven and Gradle. Names decide nothing: `src/main` may have a `TTest.java`."""

DEFAULT_GLOBS = {
    "python": TEST_GLOBS,
    "go": GO_TEST_GLOBS,
    "java": JAVA_TEST_GLOBS,
    "javascript": NPM_TEST_GLOBS,
    "rust": RUST_TEST_GLOBS,
}

GENERATED_GLOBS = (
    "**/PKG-INFO",
    "**/*.egg-info/**",
    "**/*.dist-info/**",
    "**/__pycache__/**",
    "**/*.pyc",
)
"""Files that every build of a source archive rewrites, and that are not part of a change."""

CRATE_GENERATED_GLOBS = (".cargo_vcs_info.json", "Cargo.toml.orig", "Cargo.lock")
"""The same for crates: the versions of their lock files are those of the day when they were packed."""

MAVEN_GENERATED_GLOBS = ("**/DEPENDENCIES",)
"""The same for the source of Maven releases: a list of all dependencies."""

GENERATED_BY_LANGUAGE = dict.fromkeys(DEFAULT_GLOBS, GENERATED_GLOBS) | {
    "java": MAVEN_GENERATED_GLOBS,
    "rust": CRATE_GENERATED_GLOBS,
}


class ChangePart(StrEnum):
    """Part of a change that a file belongs to."""

    FIX = "fix"
    TEST = "test"
    GENERATED = "generated"


def path_classifier(
    test_globs: Sequence[str] = TEST_GLOBS, generated_globs: Sequence[str] = GENERATED_GLOBS
) -> Callable[[str], ChangePart]:
    """Function from path to part."""

    def part_of(path: str) -> ChangePart:
        if matches_any(path, generated_globs):
            return ChangePart.GENERATED
        return ChangePart.TEST if matches_any(path, test_globs) else ChangePart.FIX

    return part_of


def matches_any(path: str, globs: Sequence[str]) -> bool:
    """Whether the path matches one of the globs."""
    return any(_pattern(glob).fullmatch(path) for glob in globs)


@lru_cache
def _pattern(glob: str) -> re.Pattern[str]:
    """Pattern of a glob: ``**`` matches any folders, ``*`` and ``?`` do not match a slash."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
