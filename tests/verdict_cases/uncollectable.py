"""Cases of error2pass: tests could not be collected without the fix, and no other test turns from failed to passed."""

from swefoundry.grading.result_sets import CaseSets
from swefoundry.grading.verdict import Verdict
from verdict_cases.labelled_case import FIXED_SHOP, NOTHING, OLD_TESTS, SHOP, LabelledCase, Tree

NEEDS_TOTAL = """
from shop import total

def test_total():
    assert total([1, 2]) == 6
"""
TOTAL = "tests/test_total.py::test_total"
PASSES = "def test_other():\n    assert True\n"


def error2pass(
    name: str,
    tests: Tree,
    new: tuple[str, ...] = (TOTAL,),
    old: tuple[str, ...] = (),
    base: Tree | None = None,
    fix: Tree | None = None,
) -> LabelledCase:
    """A case with its ERROR_TO_PASS and PASS_TO_PASS."""
    sets = CaseSets(error_to_pass=new, pass_to_pass=old)
    return LabelledCase(
        name, Verdict.ERROR2PASS, tests, sets, base=base or {}, fix=fix or {"shop.py": FIXED_SHOP}
    )


def whole_module(body: str) -> Tree:
    """A test file whose module-level code needs the fix."""
    return {"tests/test_total.py": f"import shop\n{body}\n\ndef test_total():\n    assert True\n"}


UNCOLLECTABLE = (
    error2pass("a new file imports a name that the fix adds", {"tests/test_total.py": NEEDS_TOTAL}),
    error2pass(
        "a new file imports a module that the fix adds",
        {"tests/test_total.py": "import orders\n\ndef test_total():\n    assert orders.TOTAL == 6\n"},
        fix={"orders.py": "TOTAL = 6\n"},
    ),
    error2pass(
        "an old file imports a name that the fix adds",
        {"tests/test_shop.py": OLD_TESTS + NEEDS_TOTAL},
        new=("tests/test_shop.py::test_total",),
        old=(NOTHING,),
    ),
    error2pass(
        "one of two files cannot be collected and the other passes",
        {"tests/test_total.py": NEEDS_TOTAL, "tests/test_other.py": PASSES},
        old=("tests/test_other.py::test_other",),
    ),
    error2pass(
        "two of two files cannot be collected",
        {"tests/test_total.py": NEEDS_TOTAL, "tests/test_sums.py": NEEDS_TOTAL},
        new=("tests/test_sums.py::test_total", TOTAL),
    ),
    error2pass(
        "conftest.py imports a name that the fix adds",
        {"tests/conftest.py": "from shop import total\n", "tests/test_shop.py": OLD_TESTS + PASSES},
        new=("tests/test_shop.py::test_other",),
        old=(NOTHING,),
    ),
    error2pass(
        "conftest.py of one folder hides the files of another",
        {
            "tests/deep/conftest.py": "from shop import total\n",
            "tests/deep/test_deep.py": PASSES,
            "tests/test_shop.py": OLD_TESTS + PASSES,
        },
        new=("tests/deep/test_deep.py::test_other", "tests/test_shop.py::test_other"),
        old=(NOTHING,),
    ),
    error2pass(
        "conftest.py names a plugin that the fix adds",
        {"conftest.py": 'pytest_plugins = ["shop_fixtures"]\n', "tests/test_total.py": PASSES},
        new=("tests/test_total.py::test_other",),
        fix={"shop_fixtures.py": ""},
    ),
    error2pass(
        "a package of tests imports a name that the fix adds",
        {
            "tests/__init__.py": "",
            "tests/deep/__init__.py": "from shop import total\n",
            "tests/deep/test_deep.py": PASSES,
            "tests/test_other.py": PASSES,
        },
        new=("tests/deep/test_deep.py::test_other",),
        old=("tests/test_other.py::test_other",),
    ),
    error2pass("module-level code raises an attribute error", whole_module("SIX = shop.total([1, 2])")),
    error2pass(
        "module-level code raises a name error", whole_module("from shop import *\nSIX = total([1, 2])")
    ),
    error2pass("module-level code raises an assertion error", whole_module("assert shop.price(1) == 2")),
    error2pass(
        "a class derives from a name that the fix adds",
        whole_module("class Sum(type(shop.total)): pass"),
        fix={"shop.py": "class Meta(type): pass\nclass total(metaclass=Meta): pass\n"},
    ),
    error2pass(
        "a decorator is a name that the fix adds",
        whole_module("@shop.total\ndef helper(): pass"),
        fix={"shop.py": "def total(function):\n    return function\n"},
    ),
    error2pass(
        "a parameter is a name that the fix adds",
        {
            "tests/test_total.py": "import pytest\nimport shop\n\n"
            '@pytest.mark.parametrize("add", [shop.total])\ndef test_total(add):\n    assert add([1, 2]) == 6\n'
        },
        new=("tests/test_total.py::test_total[total]",),
    ),
    error2pass(
        "one class of a file cannot be collected",
        {
            "tests/test_total.py": "import shop\n\ndef test_other():\n    assert True\n\nclass TestSums:\n"
            "    def pytest_generate_tests(self, metafunc):\n"
            '        metafunc.parametrize("counts", [[1], shop.SOME])\n\n'
            "    def test_total(self, counts):\n        assert counts\n"
        },
        new=(
            "tests/test_total.py::TestSums::test_total[counts0]",
            "tests/test_total.py::TestSums::test_total[counts1]",
        ),
        old=("tests/test_total.py::test_other",),
        fix={"shop.py": SHOP + "SOME = [1, 2]\n"},
    ),
    error2pass(
        "a TestCase cannot be imported",
        {
            "tests/test_total.py": "import unittest\nfrom shop import total\n\nclass TotalTest(unittest.TestCase):\n"
            "    def test_total(self):\n        self.assertEqual(total([1, 2]), 6)\n"
        },
        new=("tests/test_total.py::TotalTest::test_total",),
    ),
    LabelledCase(
        "unittest's own loader cannot import a file",
        Verdict.ERROR2PASS,
        {
            "tests/__init__.py": "",
            "tests/test_total.py": "import unittest\nfrom shop import total\n\nclass TotalTest(unittest.TestCase):\n"
            "    def test_total(self):\n        self.assertEqual(total([1, 2]), 6)\n",
        },
        unittest=True,
    ),
    error2pass(
        "the module under test has a syntax error that the fix removes",
        {"tests/test_total.py": NEEDS_TOTAL},
        base={"shop.py": "def total(:\n"},
    ),
    error2pass(
        "a renamed file imports a name that the fix adds",
        {"tests/test_shop.py": None, "tests/test_prices.py": OLD_TESTS + NEEDS_TOTAL},
        new=("tests/test_prices.py::test_nothing", "tests/test_prices.py::test_total"),
    ),
    error2pass(
        "addopts stop at the first failure",
        {"tests/test_shop.py": OLD_TESTS + PASSES, "tests/test_a.py": NEEDS_TOTAL},
        new=("tests/test_a.py::test_total",),
        old=(NOTHING, "tests/test_shop.py::test_other"),
        base={"pytest.ini": "[pytest]\naddopts = -x --maxfail=1\n"},
    ),
    error2pass(
        "the module under test ends the process when it is imported",
        {"tests/test_total.py": "import orders\n\ndef test_total():\n    assert orders\n"},
        base={"orders.py": "import os\nos._exit(0)\n"},
        fix={"orders.py": ""},
    ),
    error2pass(
        "the module under test exits when it is imported",
        {"tests/test_total.py": "import orders\n\ndef test_total():\n    assert orders\n"},
        base={"orders.py": "import sys\nsys.exit(0)\n"},
        fix={"orders.py": ""},
    ),
    LabelledCase(
        "every file skips itself without a module that the fix adds",
        Verdict.ERROR2PASS,
        {
            "tests/test_total.py": "import pytest\n\n"
            'orders = pytest.importorskip("orders")\n\ndef test_total():\n    assert orders\n'
        },
        CaseSets(skip_to_pass=(TOTAL,)),
        fix={"orders.py": ""},
    ),
    error2pass(
        "conftest.py ignores a file without a name that the fix adds",
        {
            "tests/conftest.py": "import shop\n\n"
            'collect_ignore = [] if hasattr(shop, "total") else ["test_total.py"]\n',
            "tests/test_total.py": NEEDS_TOTAL,
        },
    ),
    LabelledCase(
        "beside a file that cannot be collected only a tolerated test fails",
        Verdict.ERROR2PASS,
        {
            "tests/test_total.py": NEEDS_TOTAL,
            "tests/test_other.py": PASSES + "\ndef test_network():\n    assert False\n",
        },
        CaseSets(
            error_to_pass=(TOTAL,),
            pass_to_pass=("tests/test_other.py::test_other",),
            fail_to_fail=("tests/test_other.py::test_network",),
        ),
        tolerated=("tests/test_other.py::test_network",),
    ),
)
