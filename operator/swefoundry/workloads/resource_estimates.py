"""Requests of a pod, estimated from what earlier pods of the same image or repository used. Pure.

A request is what the scheduler keeps free for a pod; limits are not estimated. So a wrong estimate makes a pod slow or
evictable, never wrong: `docs/decisions/0031-measured-requests.md`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from swefoundry.contracts.measured import MeasuredResources
from swefoundry.settings import Settings

CPU_CLASSES = (100, 250, 350, 500, 750, 1000, 2000, 4000)
"""Thousandths of a CPU. Few classes, so that pods of one repository look alike to the scheduler and to people; below
one CPU they are close, because nothing runs in what rounding adds. With the default headroom, a suite that is held back
at its request rises by a class per run.
"""

SMALLEST_MEMORY_CLASS = 128 << 20
"""Bytes; each further class has twice as many."""

IDLE_SECONDS = 5
"""How long a pod holds its requests without running: sandbox, mounts, end. A command of a second does not request the
CPU that it has to itself for this second.
"""

UNITS = {
    "": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12,
    "Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40,
}  # fmt: skip


@dataclass(frozen=True)
class PeakUse:
    """The most that pods used. A number that was not measured is None."""

    millicpu: int | None = None
    """CPU time over the time that the pod holds its requests, in thousandths of a CPU."""
    memory_bytes: int | None = None

    @classmethod
    def of(cls, measured: MeasuredResources, seconds: float) -> "PeakUse":
        """Use of one pod that ran for ``seconds``."""
        cpu = measured.cpu_seconds
        return cls(
            None if cpu is None else round(1000 * cpu / (seconds + IDLE_SECONDS)), measured.peak_memory_bytes
        )


@dataclass(frozen=True)
class Requests:
    """CPU and memory requests, as quantities."""

    cpu: str
    memory: str


def highest(uses: Iterable[PeakUse]) -> PeakUse:
    """Each number's highest."""
    known = list(uses)
    return PeakUse(
        max((use.millicpu for use in known if use.millicpu is not None), default=None),
        max((use.memory_bytes for use in known if use.memory_bytes is not None), default=None),
    )


def estimate(use: PeakUse, most: Requests, settings: Settings) -> Requests:
    """The highest use with headroom, rounded up to a class, at most ``most``; ``most`` for a number that is unknown."""
    cpu, memory = most.cpu, most.memory
    if use.millicpu is not None:
        cpu = at_most(_millicpu_text(_cpu_class(use.millicpu * settings.cpu_headroom)), most.cpu)
    if use.memory_bytes is not None:
        memory = at_most(
            _memory_text(_memory_class(use.memory_bytes * settings.memory_headroom)), most.memory
        )
    return Requests(cpu, memory)


def first_guess(most: Requests, settings: Settings) -> Requests:
    """Requests of an evaluation whose image and repository were not measured yet."""
    return Requests(
        at_most(settings.evaluation_cpu, most.cpu), at_most(settings.evaluation_memory, most.memory)
    )


def known_memory_factor(use: PeakUse | None, limit: str) -> int:
    """2 when pods of the image used more memory than the limit, which only one after a memory kill can; else 1."""
    return 2 if use is not None and (use.memory_bytes or 0) > amount(limit) else 1


def at_most(quantity: str, most: str) -> str:
    """The lesser of two quantities."""
    return min(quantity, most, key=amount)


def amount(quantity: str) -> float:
    """A Kubernetes quantity as a number: CPUs or bytes."""
    if quantity.endswith("m"):
        return float(quantity[:-1]) / 1000
    digits = quantity.rstrip("kKMGTi")
    return float(digits) * UNITS[quantity[len(digits) :]]


def _cpu_class(millicpu: float) -> int:
    return next((size for size in CPU_CLASSES if size >= millicpu), CPU_CLASSES[-1])


def _millicpu_text(millicpu: int) -> str:
    return f"{millicpu}m" if millicpu % 1000 else str(millicpu // 1000)


def _memory_class(count: float) -> int:
    size = SMALLEST_MEMORY_CLASS
    while size < count:
        size *= 2
    return size


def _memory_text(count: int) -> str:
    return f"{count >> 30}Gi" if count >= 1 << 30 else f"{count >> 20}Mi"
