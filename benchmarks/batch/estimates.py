"""The estimate of `swefoundry status` against what came true."""

from collections.abc import Sequence

from node_model import Node
from shape import Row
from simulation import TODAY, Simulation, time_at

from swefoundry.cli.views.time_left import seconds_left
from swefoundry.workloads.pod_limiter import PlaceLimits
from swefoundry.workloads.resource_estimates import IDLE_SECONDS

FRACTIONS = (0.1, 0.25, 0.5, 0.75)
"""Of the seconds of pods: when the estimate is looked at."""


def estimate_errors(rows: Sequence[Row], limits: PlaceLimits, nodes: list[Node]) -> dict[float, float]:
    """Estimate over what came true, less one, by fraction of the work; fractions without an estimate are left out."""
    total = sum(seconds + IDLE_SECONDS for row in rows for step in row.steps for seconds in step.pods)
    records: dict[float, tuple[float, float | None]] = {}

    def record(simulation: Simulation) -> None:
        for fraction in FRACTIONS:
            if fraction not in records and simulation.worked >= fraction * total:
                left = seconds_left(simulation.works(), time_at(simulation.seconds))
                records[fraction] = simulation.seconds, left

    end = max(Simulation(rows, limits, TODAY, nodes, on_progress=record).run().values())
    return {
        fraction: left / (end - seconds) - 1
        for fraction, (seconds, left) in records.items()
        if left is not None
    }
