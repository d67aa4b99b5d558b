"""Cases of the other verdicts that are near to error2pass."""

from swefoundry.grading.result_sets import CaseSets
from swefoundry.grading.verdict import Verdict
from verdict_cases.labelled_case import FIXED_SHOP, NOTHING, OLD_TESTS, SHOP, LabelledCase
from verdict_cases.turning import PRICE, SHOP_TESTS, TURNS
from verdict_cases.uncollectable import NEEDS_TOTAL, TOTAL

SESSION_ENDS = (
    'import shop\n\ndef pytest_sessionfinish(session):\n    if not hasattr(shop, "total"):\n'
    "        session.exitstatus = {}\n"
)
"""conftest.py that sets the exit code of a run without the fix."""

OTHER_VERDICTS = (
    LabelledCase(
        "the tests pass without the fix",
        Verdict.PASS2PASS,
        {SHOP_TESTS: OLD_TESTS + "\ndef test_one():\n    assert shop.price(1)\n"},
        CaseSets(pass_to_pass=(NOTHING, f"{SHOP_TESTS}::test_one")),
    ),
    LabelledCase(
        "one file skips itself and the other passes",
        Verdict.PASS2PASS,
        {
            "tests/test_total.py": 'import pytest\n\norders = pytest.importorskip("orders")\n\n'
            "def test_total():\n    pass\n",
            SHOP_TESTS: OLD_TESTS + "\n",
        },
        CaseSets(skip_to_pass=(TOTAL,), pass_to_pass=(NOTHING,)),
        fix={"orders.py": ""},
    ),
    LabelledCase(
        "a test is skipped without the fix",
        Verdict.PASS2PASS,
        {
            "tests/test_total.py": "import pytest\nimport shop\n\n"
            '@pytest.mark.skipif(not hasattr(shop, "total"), reason="new")\ndef test_total():\n    pass\n'
        },
        CaseSets(skip_to_pass=(TOTAL,)),
    ),
    LabelledCase(
        "a test has no parameters without the fix",
        Verdict.PASS2PASS,
        {
            "tests/test_total.py": "import pytest\nimport shop\n\n"
            '@pytest.mark.parametrize("count", dir(shop)[:0] if not hasattr(shop, "total") else [1])\n'
            "def test_total(count):\n    pass\n"
        },
        CaseSets(none_to_pass=("tests/test_total.py::test_total[1]",)),
    ),
    LabelledCase(
        "a test is expected to fail",
        Verdict.PASS2PASS,
        {"tests/test_price.py": f"import pytest\nimport shop\n\n@pytest.mark.xfail{TURNS}"},
        CaseSets(pass_to_pass=("tests/test_price.py::test_price",)),
    ),
    LabelledCase(
        "the tests fail with the fix, too",
        Verdict.FAIL2FAIL,
        {SHOP_TESTS: OLD_TESTS + "\ndef test_price():\n    assert shop.price(2) == 5\n"},
        CaseSets(pass_to_pass=(NOTHING,), fail_to_fail=(PRICE,)),
    ),
    LabelledCase(
        "a test file has a syntax error",
        Verdict.FAIL2FAIL,
        {SHOP_TESTS: OLD_TESTS + TURNS, "tests/test_total.py": "def test_total(:\n"},
        CaseSets(fail_to_pass=(PRICE,), pass_to_pass=(NOTHING,), fail_to_fail=("tests/test_total.py",)),
    ),
    LabelledCase(
        "a file cannot be collected with the fix, either",
        Verdict.FAIL2FAIL,
        {"tests/test_total.py": "from shop import totals\n\ndef test_total():\n    pass\n"},
        CaseSets(fail_to_fail=("tests/test_total.py",)),
    ),
    LabelledCase(
        "a file can be collected with the fix, and its test fails",
        Verdict.FAIL2FAIL,
        {"tests/test_total.py": "from shop import total\n\ndef test_total():\n    assert total([1]) == 5\n"},
    ),
    LabelledCase(
        "the fix breaks a test",
        Verdict.PASS2FAIL,
        {SHOP_TESTS: OLD_TESTS + "\ndef test_one():\n    assert shop.price(1) == 3\n"},
        CaseSets(pass_to_pass=(NOTHING,), pass_to_fail=(f"{SHOP_TESTS}::test_one",)),
    ),
    LabelledCase(
        "the fix makes a file uncollectable",
        Verdict.PASS2FAIL,
        {SHOP_TESTS: "from shop import price\n\ndef test_nothing():\n    assert price(0) == 0\n"},
        CaseSets(pass_to_fail=(NOTHING,)),
        fix={"shop.py": "def cost(count):\n    return 2 * count\n"},
    ),
    LabelledCase(
        "the run ends with a failure although every test passed",
        Verdict.INCONCLUSIVE,
        {SHOP_TESTS: OLD_TESTS + "\n"},
        CaseSets(pass_to_pass=(NOTHING,)),
        base={"conftest.py": SESSION_ENDS.format(1)},
    ),
    LabelledCase(
        "the run ends with 0 although a file cannot be collected",
        Verdict.INCONCLUSIVE,
        {"tests/test_total.py": NEEDS_TOTAL},
        CaseSets(error_to_pass=(TOTAL,)),
        base={"conftest.py": SESSION_ENDS.format(0)},
    ),
    LabelledCase(
        "unittest's own loader runs a test that fails",
        Verdict.FAIL2PASS,
        {
            "tests/__init__.py": "",
            "tests/test_total.py": "import unittest\nimport shop\n\nclass TotalTest(unittest.TestCase):\n"
            "    def test_total(self):\n        self.assertEqual(shop.total([1, 2]), 6)\n",
        },
        unittest=True,
    ),
    LabelledCase(
        "the only file is removed by the test patch",
        Verdict.PASS2PASS,
        {
            SHOP_TESTS: None,
            "tests/test_price.py": "import shop\n\ndef test_one():\n    assert shop.price(1)\n",
        },
        CaseSets(pass_to_pass=("tests/test_price.py::test_one",)),
        base={"shop.py": SHOP},
        fix={"shop.py": FIXED_SHOP},
    ),
)
