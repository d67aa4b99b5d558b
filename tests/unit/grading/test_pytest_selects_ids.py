"""Ids that are read from pytest's reports, given back to the real pytest."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from swefoundry.grading.report_parser import read_reports

FILES = {
    "pyproject.toml": '[tool.pytest.ini_options]\njunit_suite_name = "acme unit tests"\n',
    "tests/base.py": "class Checks:\n    def test_inherited(self):\n        assert True\n",
    "tests/test_odd.py": r"""
import unittest

import pytest

from base import Checks


class TestInherits(Checks):
    class TestInner:
        def test_inner(self):
            assert True


class Cases(unittest.TestCase):
    def test_method(self):
        assert True


@pytest.mark.parametrize(
    "value",
    ["a b", "a  b", "a - b", "x::y", "[z]", "p/q.py", "caf\xe9", "tab\t", "line\n", "\\", "\x1b[31m", "", "100%"],
)
def test_value(value):
    assert isinstance(value, str)


@pytest.mark.parametrize("mask", [0x7F000001, "0x7f000001", "in 100 ms", "in 200 ms"])
def test_mask(mask):
    assert mask


def test_größe():
    assert True
""",
    "tests/unit-tests/test_x.py": "def test_x():\n    assert True\n",
    "docs/usage.rst": ">>> 1 + 1\n2\n",
    "pkg/mod.py": 'def function():\n    """\n    >>> 1 + 1\n    2\n    """\n',
}
OPTIONS = ("-p", "no:cacheprovider", "--doctest-modules", "--doctest-glob=*.rst")


def run_pytest(folder: Path, *arguments: str) -> str:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": "tests", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *OPTIONS, *arguments]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("acme")
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


@pytest.mark.parametrize(
    "options", [(), ("-o", "junit_family=xunit1"), ("-n2",)], ids=["xunit2", "xunit1", "xdist"]
)
def test_ids_of_a_report_are_those_that_pytest_collects(folder: Path, options: tuple[str, ...]) -> None:
    run_pytest(folder, "-q", "--junitxml=junit.xml", *options)
    found = read_reports({"junit.xml": (folder / "junit.xml").read_bytes()})
    collected = [line for line in run_pytest(folder, "--collect-only", "-q").split("\n") if "::" in line]
    assert (sorted(found.statuses), found.problems) == (sorted(collected), ())


def test_the_ids_select_as_many_tests_as_they_are(folder: Path) -> None:
    run_pytest(folder, "-q", "--junitxml=junit.xml")
    ids = list(read_reports({"junit.xml": (folder / "junit.xml").read_bytes()}).statuses)
    assert re.search(rf"^{len(ids)} passed", run_pytest(folder, "-q", *ids), re.MULTILINE)
