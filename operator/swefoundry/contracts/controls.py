"""Controls: checks of a validated instance beside its matrix, each with a result of its own."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.wire import WireModel


class ControlName(StrEnum):
    """Name of a control, as `validation.controls` and `status.controls` spell it."""

    NULL_PATCH = "NullPatch"
    """The runs of `before` agree."""
    REVERSED_GOLD = "ReversedGold"
    """The tree of `after` without the gold patch is that of `before`."""
    BASE_TESTS = "BaseTests"
    """The changed test files passed before the test patch."""
    SHUFFLED = "Shuffled"
    """The outcome of `after` does not depend on the order of the tests."""
    CPU = "Cpu"
    """The outcome of `after` does not depend on the number of CPUs."""
    CLOCK = "Clock"
    """The outcome of `after` does not depend on the year."""
    MUTATED_GOLD = "MutatedGold"
    """The tests fail without any one hunk of the gold patch."""
    LEAKS = "Leaks"
    """No layer of the task image shows the solution. Needs a pod of its own."""


DEFAULT_CONTROLS = (
    ControlName.NULL_PATCH,
    ControlName.REVERSED_GOLD,
    ControlName.BASE_TESTS,
    ControlName.LEAKS,
)
"""The cheap ones: all that run no tests of their own."""

ControlOutcome = Literal["Passed", "Failed", "Unknown"]

MESSAGE_CHARACTERS = 512


class ControlResult(WireModel):
    """Result of one control."""

    name: ControlName = Field(description="Name of the control.")
    result: ControlOutcome = Field(description="`Unknown`: what the control compares does not exist.")
    message: Annotated[str, Field(max_length=MESSAGE_CHARACTERS)] = Field(
        default="", description="What was compared and found, as a sentence."
    )
    evidence: Digest | None = Field(default=None, description="Artifact with what was found.")


def control_result(
    name: ControlName, result: ControlOutcome, message: str, evidence: Digest | None = None
) -> ControlResult:
    """Return a result whose message fits the status."""
    short = message if len(message) <= MESSAGE_CHARACTERS else f"{message[: MESSAGE_CHARACTERS - 1]}…"
    return ControlResult(name=name, result=result, message=short, evidence=evidence)
