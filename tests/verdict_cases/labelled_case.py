"""A labelled case: a small tree, a test patch, a fix, and the verdict and sets of tests that are right for them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from swefoundry.grading.result_sets import CaseSets
from swefoundry.grading.verdict import Verdict

Tree = Mapping[str, str | None]
"""Text by path. As a change of a tree, None removes a file."""

SHOP = "def price(count):\n    return 3 * count\n"
"""The module with the bug; `price(0)` is right without the fix, too."""
FIXED_SHOP = """
def price(count):
    return 2 * count

def total(counts):
    return sum(price(count) for count in counts)
"""
OLD_TESTS = """
import shop

def test_nothing():
    assert shop.price(0) == 0
"""
NOTHING = "tests/test_shop.py::test_nothing"
"""The test of the old file; it passes on both sides."""


@dataclass(frozen=True)
class LabelledCase:
    """A case with its label."""

    name: str
    verdict: Verdict
    tests: Tree
    """The test patch."""
    sets: CaseSets = field(default_factory=CaseSets)
    base: Tree = field(default_factory=dict)
    """Further files of the tree, which has `shop.py` and `tests/test_shop.py`."""
    fix: Tree = field(default_factory=lambda: {"shop.py": FIXED_SHOP})
    tolerated: tuple[str, ...] = ()
    unittest: bool = False
    """Run by the recipe's command for unittest, which writes no report."""

    def tree_before_patches(self) -> dict[str, str]:
        return changed({}, {"shop.py": SHOP, "tests/test_shop.py": OLD_TESTS, **self.base})

    def __str__(self) -> str:
        return self.name


def changed(tree: Mapping[str, str], changes: Tree) -> dict[str, str]:
    """Return the tree with changes applied."""
    merged = {**tree, **changes}
    return {path: text for path, text in merged.items() if text is not None}
