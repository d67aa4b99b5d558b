"""The trees under evaluation."""

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
"""Stages whose results decide whether a draft is accepted."""

MATRIX = (Stage.BASE, Stage.BEFORE, Stage.AFTER)
"""Stages whose results decide the verdict."""
