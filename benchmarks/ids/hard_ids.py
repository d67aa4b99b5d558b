"""A generated tree whose test ids are hard to write down: what a report's class and file do not say."""

from pathlib import Path

PARAMETERS = """
import pytest


class Thing:
    def __repr__(self):
        return "thing"


@pytest.mark.parametrize(
    "value",
    [
        "", " ", "two words", " padded ", "a::b", "a - b", "a/b", "a\\\\b", "[", "]", "[x]", "a[b]c", "é", "日本",
        "\\x1b[0m", "\\n", "\\t", "\\0", "'", '"', "<&>", "$(id)", "`id`", "{}", "%s", "#", "in 100 ms", "(3 ms)",
        "x at 0x12345678", "a.py::test_b", "test.txt", b"bytes\\xff", 1.5, None, True, Thing(), Thing, len, "a" * 300,
        "a,b", "\\ud800", "\\u2028",
    ],
)
def test_value(value):
    pass


@pytest.mark.parametrize("value", [1, 1, 1])
def test_same(value):
    pass


@pytest.mark.parametrize("one", ["a-b", "c"])
@pytest.mark.parametrize("other", ["x", "y-z"])
def test_pair(one, other):
    pass


@pytest.mark.parametrize("value", [1, 2], ids=["in 100 ms", "in 200 ms"])
def test_named(value):
    pass
"""
CLASSES = """
import unittest


class Checks:
    def test_inherited(self):
        pass


class TestOuter(Checks):
    def test_own(self):
        pass

    class TestInner:
        def test_deep(self):
            pass


class PlainTest(unittest.TestCase):
    def test_plain(self):
        with self.subTest("a"):
            pass


class test_lower:
    pass


class Test_Under_score:
    def test_method(self):
        pass


def test_größe():
    pass
"""
BASE_CLASS = """
class SharedChecks:
    def test_shared(self):
        pass

    class TestNested:
        def test_nested(self):
            pass
"""
INHERITING = "from tests.shared_checks import SharedChecks\n\n\nclass TestHere(SharedChecks):\n    pass\n"
TEST = "def test_one():\n    pass\n\n\nclass TestClass:\n    def test_two(self):\n        pass\n"
LOWER_CLASS = "import unittest\n\n\nclass lower(unittest.TestCase):\n    def test_two(self):\n        pass\n"

HARD_TREE = {
    "tests/__init__.py": "",
    "tests/shared_checks.py": BASE_CLASS,
    "tests/test_parameters.py": PARAMETERS,
    "tests/test_classes.py": CLASSES,
    "tests/test_inheriting.py": INHERITING,
    "tests/test_lower_class.py": LOWER_CLASS,
    "tests/Upper/__init__.py": "",
    "tests/Upper/test_upper.py": TEST,
    "tests/test_folder/test_in_folder.py": TEST,
    "tests/with-hyphen/test_hyphen.py": TEST,
    "tests/with space/test_space.py": TEST,
    "tests/v1.2/test_dots.py": TEST,
    "tests/größe/test_größe.py": TEST,
    "tests/test_with.dots.py": TEST,
    "tests/tests.py": TEST,
    "tests/odd.py": TEST,
    "tests/OddName.py": TEST,
    "tests/lower_test.py": TEST,
}
SETTINGS = (
    "[pytest]\npython_files = test_*.py *_test.py tests.py odd.py OddName.py\n"
    "addopts = --import-mode=importlib\n"
)
CONFIGURATIONS = {
    "default": SETTINGS,
    "suite name": SETTINGS + "junit_suite_name = shop\n",
    "xunit1": SETTINGS + "junit_family = xunit1\n",
}
"""pytest.ini of each run."""


def write_hard_tree(folder: Path, settings: str) -> None:
    """Write the tree with a pytest.ini."""
    for path, text in {**HARD_TREE, "pytest.ini": settings}.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
