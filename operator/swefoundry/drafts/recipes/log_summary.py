"""Read the short summary at the end of a test log: `FAILED id` for each test, and how many failed and passed.

pytest writes it; the commands of other recipes print the same.
"""

import re

from swefoundry.contracts.draft import fits_tolerated_bytes

MAX_TOLERATED = 10
"""Most tests whose failures may be tolerated; more failures mean that the environment, or the row, is wrong."""

_PASSED_PER_TOLERATED = 10
"""At least so many tests must pass for each tolerated one."""


def failing_tests(log: str) -> frozenset[str]:
    """Return the ids of the failed tests when they are few and the short summary names all; else the empty set."""
    ids, counts = failing_ids(log), _counts(log)
    passed = counts.get("passed", 0)
    complete = len(ids) == failure_count(log) and len(ids) <= min(
        MAX_TOLERATED, passed // _PASSED_PER_TOLERATED
    )
    return ids if complete and fits_tolerated_bytes(ids) else frozenset()


def failing_ids(log: str) -> frozenset[str]:
    """Return the ids that the short summary names; pytest before release 4 writes `FAIL`."""
    return frozenset(re.findall(r"^(?:FAIL|FAILED|ERROR) (\S+::.+?)(?: - .*)?$", log, re.M))


def failure_count(log: str) -> int:
    """Return how many tests failed or broke in their set-up, by the last line of the log; 0 without that line."""
    return sum(number for word, number in _counts(log).items() if word != "passed")


def _counts(log: str) -> dict[str, int]:
    return {word: int(number) for number, word in re.findall(r"(\d+) (failed|errors?|passed)\b", log)}
