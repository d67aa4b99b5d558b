"""Which trees are evaluated, and which must pass on each."""

from enum import StrEnum


class Stage(StrEnum):
    """One tree under evaluation."""

    BASE = "base"
    """The repository as it was: nothing applied."""
    BEFORE = "before"
    """The hidden tests applied, the fix not."""
    AFTER = "after"
    """The hidden tests and the reference fix applied."""


PROBE = (Stage.BEFORE, Stage.AFTER)
"""What a draft is accepted on."""

MATRIX = (Stage.BASE, Stage.BEFORE, Stage.AFTER)
"""What a verdict is made of."""
