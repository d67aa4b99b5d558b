"""Release pairs of real packages with the expected verdict of each, without any content of the packages.

The old release's source archive is the source; the differences in the new one are the fix and its tests. Each expected
verdict was measured with the recipe of its language, and `why` explains it.
"""

from collections.abc import Iterator

from real.go_pairs import GO_PAIRS
from real.java_pairs import JAVA_PAIRS
from real.npm_pairs import NPM_PAIRS
from real.python_pairs import PYTHON_PAIRS
from real.real_pair import RealPair
from real.rust_pairs import RUST_PAIRS

PAIRS: tuple[RealPair, ...] = (*PYTHON_PAIRS, *GO_PAIRS, *JAVA_PAIRS, *NPM_PAIRS, *RUST_PAIRS)


def quick() -> Iterator[RealPair]:
    """The pairs that run with the cluster tests."""
    return (pair for pair in PAIRS if pair.quick)
