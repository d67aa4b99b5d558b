"""Ids that a test gets anew in each run: they hold a uuid, a temporary folder, an address, a time or a random number.

Such an id is there in one run and gone in the next, where another of the same shape is in its place. No list may name
it, because nobody can select the test by it.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import combinations

CHANGING_PART = re.compile(
    r"""
      [0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}            # uuid
    | \d{4}-\d{2}-\d{2}(?:[T\ _]\d{2}[:.]?\d{2}(?:[:.]?\d{2}(?:\.\d+)?)?)?    # date, and time
    | \d{1,2}:\d{2}:\d{2}(?:\.\d+)?                                           # time
    | 0x[0-9a-f]{6,}                                                          # address
    | (?<![a-z0-9])tmp[a-z0-9_]{6,}                                           # temporary folder
    | pytest-\d+                                                              # pytest's temporary folder
    | \d+\.\d{6,}                                                             # random number, or seconds
    | (?<![a-z0-9])(?=[a-z]*\d)[0-9a-f]{12,}(?![a-z0-9])                      # random token
    | \d{5,}                                                                  # random number, process id, seconds
    """,
    re.VERBOSE | re.IGNORECASE,
)

PLACEHOLDER = "*"


def changing_ids(runs: Sequence[Collection[str]]) -> set[str]:
    """Return the ids that other ids of the same shape replace in another of the runs."""
    changing: set[str] = set()
    for ids_by_run in _shapes(runs).values():
        for one, other in combinations(ids_by_run, 2):
            # Ids on one side alone may be of tests that the fix adds.
            if one - other and other - one:
                changing |= one ^ other
    return changing


def id_shape(test: str) -> str:
    """Return the id with a placeholder for each part that may change from run to run."""
    return CHANGING_PART.sub(PLACEHOLDER, test)


def _shapes(runs: Sequence[Collection[str]]) -> dict[str, list[set[str]]]:
    """Return the ids of each shape, run by run; only those that hold something that may change."""
    shapes: dict[str, list[set[str]]] = defaultdict(lambda: [set() for _ in runs])
    for number, run in enumerate(runs):
        for test, shape in _shaped(run):
            shapes[shape][number].add(test)
    return shapes


def _shaped(run: Iterable[str]) -> Iterable[tuple[str, str]]:
    for test in run:
        shape, found = CHANGING_PART.subn(PLACEHOLDER, test)
        if found:
            yield test, shape
