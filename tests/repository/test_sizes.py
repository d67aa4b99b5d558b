"""Limits on the size of files and functions. Complexity is ruff's."""

from pathlib import Path
from statistics import median

import pytest

from repository.sources import EVERYTHING, PACKAGE, PRODUCT, functions, name, text

LONGEST_FILE = 400
LONGEST_FUNCTION = 50
LONGEST_MEDIAN_FILE = 120


def lines(path: Path) -> int:
    return len(text(path).splitlines())


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_a_file_is_short(path: Path) -> None:
    assert lines(path) <= LONGEST_FILE


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_functions_are_short(path: Path) -> None:
    long = {
        each.name: length
        for each in functions(path)
        if (length := (each.end_lineno or each.lineno) - each.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


def test_most_files_are_short() -> None:
    assert median(lines(path) for path in PACKAGE.rglob("*.py") if lines(path)) <= LONGEST_MEDIAN_FILE
