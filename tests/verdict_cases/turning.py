"""Cases of fail2pass: at least one test that could run without the fix turns from failed to passed."""

from swefoundry.grading.result_sets import CaseSets
from swefoundry.grading.verdict import Verdict
from verdict_cases.labelled_case import FIXED_SHOP, NOTHING, OLD_TESTS, LabelledCase, Tree
from verdict_cases.uncollectable import NEEDS_TOTAL, PASSES, TOTAL

TURNS = "\ndef test_price():\n    assert shop.price(2) == 4\n"
PRICE = "tests/test_shop.py::test_price"
SHOP_TESTS = "tests/test_shop.py"


def fail2pass(
    name: str,
    tests: Tree,
    turning: tuple[str, ...],
    old: tuple[str, ...] = (),
    uncollected: tuple[str, ...] = (),
    base: Tree | None = None,
    fix: Tree | None = None,
) -> LabelledCase:
    """A case with its FAIL_TO_PASS, PASS_TO_PASS and ERROR_TO_PASS."""
    sets = CaseSets(fail_to_pass=turning, pass_to_pass=old, error_to_pass=uncollected)
    return LabelledCase(
        name, Verdict.FAIL2PASS, tests, sets, base=base or {}, fix=fix or {"shop.py": FIXED_SHOP}
    )


def in_one_file(name: str, body: str, test: str, **more: Tree) -> LabelledCase:
    """A case whose old file gets one test more, which turns."""
    return fail2pass(name, {SHOP_TESTS: OLD_TESTS + body}, (f"{SHOP_TESTS}::{test}",), (NOTHING,), **more)


def ends_the_process(name: str, how: str) -> LabelledCase:
    """A case in which a function of the module under test ends the run in the middle of the second of three tests."""
    price = "def price(count):\n    return 0\n"
    base = f"import os, signal\nimport pytest\n\n{price}\ndef total(counts):\n    {how}\n"
    return fail2pass(
        name,
        {
            SHOP_TESTS: OLD_TESTS
            + "\ndef test_total():\n    assert shop.total([1, 2]) == 6\n\ndef test_zero():\n    pass\n"
        },
        (f"{SHOP_TESTS}::test_total",),
        (NOTHING, f"{SHOP_TESTS}::test_zero"),
        base={"shop.py": base, SHOP_TESTS: OLD_TESTS + "\ndef test_zero():\n    pass\n"},
    )


TURNING = (
    in_one_file("a test gets a wrong value", TURNS, "test_price"),
    in_one_file(
        "a test meets an attribute error",
        "\ndef test_total():\n    assert shop.total([1, 2]) == 6\n",
        "test_total",
    ),
    in_one_file(
        "a test imports a name that the fix adds in its body",
        "\ndef test_total():\n    from shop import total\n    assert total([1, 2]) == 6\n",
        "test_total",
    ),
    in_one_file(
        "a test calls sys.exit by the code under test",
        "\ndef test_total():\n    assert shop.total([1, 2]) == 6\n",
        "test_total",
        base={
            "shop.py": "import sys\n\ndef price(count):\n    return 0\n\ndef total(counts):\n    sys.exit(0)\n"
        },
    ),
    in_one_file(
        "one parameter of a test turns",
        "\nimport pytest\n\n"
        '@pytest.mark.parametrize("count", [2])\ndef test_each(count):\n    assert shop.price(count) == 2 * count\n',
        "test_each[2]",
    ),
    in_one_file(
        "a fixture raises an attribute error",
        "\nimport pytest\n\n"
        "@pytest.fixture\ndef add():\n    return shop.total\n\ndef test_total(add):\n    assert add([1, 2]) == 6\n",
        "test_total",
    ),
    in_one_file(
        "a fixture cannot be torn down",
        "\nimport pytest\n\n"
        "@pytest.fixture\ndef add():\n    yield\n    shop.total\n\ndef test_total(add):\n    pass\n",
        "test_total",
    ),
    in_one_file(
        "a fixture comes with the fix",
        "\ndef test_total(add):\n    assert add([1, 2]) == 6\n",
        "test_total",
        fix={
            "shop.py": FIXED_SHOP,
            "conftest.py": "import pytest\nimport shop\n\n@pytest.fixture\ndef add():\n    return shop.total\n",
        },
    ),
    fail2pass(
        "setup_module raises",
        {
            "tests/test_total.py": "import shop\n\ndef setup_module():\n    shop.total\n\ndef test_total():\n    pass\n"
        },
        (TOTAL,),
    ),
    fail2pass(
        "setUpClass raises",
        {
            "tests/test_total.py": "import unittest\nimport shop\n\nclass TotalTest(unittest.TestCase):\n"
            "    @classmethod\n    def setUpClass(cls):\n        shop.total\n\n"
            "    def test_total(self):\n        pass\n"
        },
        ("tests/test_total.py::TotalTest::test_total",),
    ),
    fail2pass(
        "one of two files cannot be collected and the other turns",
        {"tests/test_total.py": NEEDS_TOTAL, SHOP_TESTS: OLD_TESTS + TURNS},
        (PRICE,),
        (NOTHING,),
        uncollected=(TOTAL,),
    ),
    fail2pass(
        "one of three files cannot be collected, one passes and one turns",
        {"tests/test_a.py": NEEDS_TOTAL, "tests/test_other.py": PASSES, SHOP_TESTS: OLD_TESTS + TURNS},
        (PRICE,),
        ("tests/test_other.py::test_other", NOTHING),
        uncollected=("tests/test_a.py::test_total",),
    ),
    fail2pass(
        "an old file cannot be collected and a new one turns",
        {SHOP_TESTS: OLD_TESTS + NEEDS_TOTAL, "tests/test_price.py": "import shop\n" + TURNS},
        ("tests/test_price.py::test_price",),
        (NOTHING,),
        uncollected=(f"{SHOP_TESTS}::test_total",),
    ),
    fail2pass(
        "addopts stop at the first failure and later tests pass",
        {SHOP_TESTS: "import shop\n" + TURNS + OLD_TESTS},
        (PRICE,),
        (NOTHING,),
        base={"pytest.ini": "[pytest]\naddopts = -x\n"},
    ),
    fail2pass(
        "a renamed file turns",
        {SHOP_TESTS: None, "tests/test_prices.py": OLD_TESTS + TURNS},
        ("tests/test_prices.py::test_price",),
        ("tests/test_prices.py::test_nothing",),
    ),
    fail2pass(
        "an inherited test turns",
        {
            "tests/shop_checks.py": "class Checks:\n    def test_price(self):\n        assert self.price(2) == 4\n",
            SHOP_TESTS: OLD_TESTS + "\nfrom shop_checks import Checks\n\n"
            "class TestShop(Checks):\n    price = staticmethod(shop.price)\n",
        },
        (f"{SHOP_TESTS}::TestShop::test_price",),
        (NOTHING,),
    ),
    fail2pass(
        "a doctest turns, and no file of the test patch is a test by its name, so that the whole suite runs",
        {"tests/test_usage.txt": ">>> from shop import total\n>>> total([1, 2])\n6\n"},
        ("tests/test_usage.txt::test_usage.txt",),
        (NOTHING,),
    ),
    LabelledCase(
        "one test turns and one that fails on both sides is tolerated",
        Verdict.FAIL2PASS,
        {SHOP_TESTS: OLD_TESTS + TURNS + "\ndef test_network():\n    assert False\n"},
        CaseSets(
            fail_to_pass=(PRICE,), pass_to_pass=(NOTHING,), fail_to_fail=(f"{SHOP_TESTS}::test_network",)
        ),
        tolerated=(f"{SHOP_TESTS}::test_network",),
    ),
    ends_the_process("the code under test ends the process with 0", "os._exit(0)"),
    ends_the_process("the code under test ends the process with 2", "os._exit(2)"),
    ends_the_process("the code under test crashes", "os.kill(os.getpid(), signal.SIGSEGV)"),
    ends_the_process("the code under test is interrupted", "os.kill(os.getpid(), signal.SIGINT)"),
    ends_the_process("the code under test calls pytest.exit", 'pytest.exit("enough", returncode=0)'),
)
