"""Is a changed file part of the fix, a test, or made by the packaging tools? Told by its path alone; pure."""

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
"""Where Python projects keep tests. `src/app/testing.py` is a product for other people's tests, so not here."""

GENERATED_GLOBS = (
    "**/PKG-INFO",
    "**/*.egg-info/**",
    "**/*.dist-info/**",
    "**/__pycache__/**",
    "**/*.pyc",
)
"""Written anew by every build of a source archive: no part of a change."""


class ChangePart(StrEnum):
    FIX = "fix"
    TEST = "test"
    GENERATED = "generated"


def path_classifier(
    test_globs: Sequence[str] = TEST_GLOBS, generated_globs: Sequence[str] = GENERATED_GLOBS
) -> Callable[[str], ChangePart]:
    """The function from path to part."""

    def part_of(path: str) -> ChangePart:
        if matches_any(path, generated_globs):
            return ChangePart.GENERATED
        return ChangePart.TEST if matches_any(path, test_globs) else ChangePart.FIX

    return part_of


def matches_any(path: str, globs: Sequence[str]) -> bool:
    return any(_pattern(glob).fullmatch(path) for glob in globs)


@lru_cache
def _pattern(glob: str) -> re.Pattern[str]:
    """``**`` stands for any folders, ``*`` and ``?`` do not cross a slash."""
    parts = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob)
    return re.compile("".join(parts.get(piece) or re.escape(piece) for piece in pieces), re.DOTALL)
