"""pytest collects every test of the repository."""

from fnmatch import fnmatch
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]


def test_no_folder_with_tests_is_left_out(pytestconfig: pytest.Config) -> None:
    patterns = pytestconfig.getini("norecursedirs")
    folders = {parent for path in TESTS.rglob("test_*.py") for parent in path.relative_to(TESTS).parents}
    assert [
        str(folder)
        for folder in sorted(folders)
        if any(fnmatch(folder.name, pattern) for pattern in patterns)
    ] == []
