"""The steps and results that both kinds share; each has further ones of its own."""

from dataclasses import dataclass

from swefoundry.workloads.decide import Move


@dataclass(frozen=True)
class NoOp:
    """Nothing is to be done."""


@dataclass(frozen=True)
class RunWork:
    """Go on with these pieces of work."""

    moves: tuple[Move, ...]
