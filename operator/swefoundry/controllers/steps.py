"""Steps that both controllers share; each has further ones of its own."""

from dataclasses import dataclass

from swefoundry.workloads.decide import Move


@dataclass(frozen=True)
class NoOp:
    """Do nothing."""


@dataclass(frozen=True)
class Restart:
    """Begin again, with all that is proven: the annotation asks for it with this value."""

    value: str


@dataclass(frozen=True)
class RunWork:
    """Perform these moves, one per piece of work."""

    moves: tuple[Move, ...]
