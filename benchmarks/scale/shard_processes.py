"""The operator's processes of a run as one: a single operator, or shards that share the work."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from control_plane.operator_process import OperatorProcess, Sample, total


class ShardProcesses:
    """Operators that were started together; sums are over all of them."""

    def __init__(self, operators: Sequence[OperatorProcess]) -> None:
        self.operators = operators

    @classmethod
    async def start(cls, settings: dict[str, str], shards: int, log: Path) -> Self:
        """Start each shard; a single one is an operator without shards."""
        numbers = [
            {"SWEFOUNDRY_SHARDS": str(shards), "SWEFOUNDRY_SHARD": str(index)} for index in range(shards)
        ]
        logs = [log if shards == 1 else log.with_suffix(f".{index}.log") for index in range(shards)]
        started = [
            await OperatorProcess.start(settings | number, path)
            for number, path in zip(numbers, logs, strict=True)
        ]
        return cls(started)

    @property
    def has_ended(self) -> bool:
        """Whether one of them has ended by itself."""
        return any(each.process.returncode is not None for each in self.operators)

    @property
    def log_names(self) -> str:
        return ", ".join(str(each.log.name) for each in self.operators)

    async def wait_until_ready(self, tasks: int) -> float:
        """Wait until all are ready; the seconds until the last one was."""
        return max(await asyncio.gather(*(each.wait_until_ready(tasks) for each in self.operators)))

    async def wait_until_idle(self) -> None:
        await asyncio.gather(*(each.wait_until_idle() for each in self.operators))

    def metrics(self) -> Sample:
        """Sums of all series: shards have no object in common."""
        merged = Sample()
        for each in self.operators:
            merged.update(each.metrics())
        return merged

    def cpu_seconds(self) -> float:
        return sum(each.cpu_seconds() for each in self.operators)

    def resident_mib(self) -> float:
        """Current resident memory of all together."""
        return sum(each.resident_mib()[0] for each in self.operators)

    def by_shard(self) -> list[dict[str, float]]:
        """What each costs, and what it had to do."""
        return [_costs(each) for each in self.operators]

    async def kill(self) -> None:
        """End all as a crash does."""
        await asyncio.gather(*(each.kill() for each in self.operators))

    async def stop(self) -> None:
        await asyncio.gather(*(each.stop() for each in self.operators))


def _costs(operator: OperatorProcess) -> dict[str, float]:
    sample = operator.metrics()
    return {
        "instances": total(sample, "swefoundry_objects", 'kind="TaskInstance"'),
        "watchEvents": total(sample, "swefoundry_watch_events_total"),
        "reconciles": total(sample, "swefoundry_reconcile_total"),
        "cpuSeconds": round(operator.cpu_seconds(), 2),
        "residentMiB": round(operator.resident_mib()[0], 1),
    }
