"""The steps and results that both kinds share; each has further ones of its own."""

from dataclasses import dataclass

from swefoundry.attempts.decide import Collect, Move
from swefoundry.domain.work import IntakeRecord

INTAKE = "intake"
"""Name of the intake's work."""


@dataclass(frozen=True)
class Rest:
    """Nothing is to be done."""


@dataclass(frozen=True)
class Pursue:
    """Go on with these pieces of work."""

    moves: tuple[Move, ...]


@dataclass(frozen=True)
class TakenIn:
    """The intake pod ended with this record."""

    move: Collect
    record: IntakeRecord
