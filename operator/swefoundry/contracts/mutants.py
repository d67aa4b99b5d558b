"""Mutants: trees of `after` without one hunk of the gold patch.

Intake stores them, and the control `MutatedGold` runs the tests on them.
"""

from typing import Literal

from pydantic import Field

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.wire import WireModel

MAX_MUTANTS = 8
"""Each costs an evaluation."""


class Mutant(WireModel):
    """A tree of `after` without one hunk."""

    path: str
    """File of the hunk."""
    line: int | None = None
    """First line of `before` that the hunk changes; None where a file is added, deleted or replaced as a whole."""
    layer: Layer
    """The overlay and the runner."""

    @property
    def location(self) -> str:
        """The hunk, as a message names it."""
        return self.path if self.line is None else f"{self.path}:{self.line}"


class MutantList(WireModel):
    """Content of the blob that names all mutants, in the order of the patch."""

    v: Literal[1] = 1
    mutants: list[Mutant]


class StoredMutants(WireModel):
    """Mutants of a gold patch in the registry."""

    blob: Digest = Field(description="Blob that lists them.")
    count: int = Field(ge=0, le=MAX_MUTANTS, description="How many there are.")
    hunks: int = Field(ge=0, description="Hunks of the gold patch that could be left out.")
