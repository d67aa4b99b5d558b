"""A batch: TaskInstances are created and followed until each has ended, while the operator is measured."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from places_in_use import Places
from shard_processes import ShardProcesses
from status_changes import StatusChanges

from control_plane.api_client import BUILDS, TASKS, Cluster, Json
from control_plane.operator_process import Sample
from simulated.scripted_pods import manifest

CONCURRENT_REQUESTS = 8
SAMPLE_SECONDS = 5.0
PATCH_LINES = 60
"""Of each patch: about 3 KiB, as patches of one fix and its test have."""


@dataclass(frozen=True)
class Moment:
    """The state of the batch at a time."""

    seconds: float
    ended: int
    active: dict[str, int]
    """Pods in places, by role."""
    resident_mib: float
    cpu_seconds: float

    def line(self) -> str:
        """For a person."""
        return (
            f"  {self.seconds:7.1f} s  {self.ended:6} ended  {self.resident_mib:7.1f} MiB"
            f"  {self.cpu_seconds:8.1f} CPU s  {self.active}"
        )


@dataclass
class Batch:
    """The instances of one run."""

    cluster: Cluster
    namespace: str
    size: int
    per_repository: int
    ended: dict[str, str] = field(default_factory=dict)
    """By instance: its phase."""
    moments: list[Moment] = field(default_factory=list)
    started: float = 0.0
    task_changes: StatusChanges = field(default_factory=StatusChanges)
    build_changes: StatusChanges = field(default_factory=StatusChanges)

    async def create(self) -> None:
        """Create all TaskInstances."""
        limit = asyncio.Semaphore(CONCURRENT_REQUESTS)

        async def create(number: int) -> None:
            async with limit:
                body = an_instance(number, self.per_repository)
                await self.cluster.request("POST", TASKS.format(self.namespace), body)

        await asyncio.gather(*(create(number) for number in range(self.size)))

    async def follow(self) -> None:
        """Note the ends of instances, and what each status write changed, until cancelled."""
        async for event in self.cluster.watch(TASKS.format(self.namespace)):
            self.task_changes.observe(event)
            status = event["object"].get("status", {})
            if "finishedAt" in status:
                self.ended[event["object"]["metadata"]["name"]] = status["phase"]

    async def follow_builds(self) -> None:
        """Note what each status write of an EnvBuild changed, until cancelled."""
        async for event in self.cluster.watch(BUILDS.format(self.namespace)):
            self.build_changes.observe(event)

    async def sample(self, operator: ShardProcesses, places: Places, until: int) -> None:
        """Take samples until so many instances have ended."""
        self.started = self.started or time.monotonic()
        while len(self.ended) < until:
            if operator.has_ended:
                raise SystemExit(f"the operator ended; see {operator.log_names}")
            self.moments.append(
                Moment(
                    round(time.monotonic() - self.started, 1),
                    len(self.ended),
                    dict(places.active),
                    round(operator.resident_mib(), 1),
                    operator.cpu_seconds(),
                )
            )
            report_progress(self.moments)
            await asyncio.sleep(SAMPLE_SECONDS)

    def phases(self) -> dict[str, int]:
        """Number of instances by the phase that they ended in."""
        return dict(Counter(self.ended.values()))


def report_progress(moments: Sequence[Moment]) -> None:
    """Print the last sample when a minute has begun since the one before."""
    minutes = [int(moment.seconds // 60) for moment in moments[-2:]]
    if len(set(minutes)) > 1:
        print(moments[-1].line(), flush=True)


def an_instance(number: int, per_repository: int) -> Json:
    """A TaskInstance with a draft of its own and patches of the usual size."""
    name = f"instance-{number:06}"
    patch = "".join(
        f"+    return compute_the_value(argument_{number}, line={line})\n" for line in range(PATCH_LINES)
    )
    return manifest(
        name,
        instanceId=f"owner__name-{number}",
        repo=f"owner/name-{number // per_repository}",
        baseCommit=f"{number:040x}",
        goldPatch={"inline": f"gold\n{patch}"},
        testPatch={"inline": f"test\n{patch}"},
        validation={"repeats": 1, "minRepeats": 1, "controls": []},
    )


def requests_by_kind(samples: Sequence[Sample]) -> dict[str, float]:
    """Requests to the Kubernetes API by verb and kind, over all processes of the operator."""
    found: Counter[str] = Counter()
    for (metric, series), value in (item for sample in samples for item in sample.items()):
        if metric == "swefoundry_api_requests_total":
            labels = dict(part.split("=") for part in series.replace('"', "").split(","))
            found[f"{labels['verb']} {labels['resource']}"] += value
    return dict(sorted(found.items()))


def quantile(sample: Sample, metric: str, part: float, label: str = "") -> float | None:
    """Upper bound of the bucket of a histogram in which the quantile is; None for the last one, which has none.

    Over all series, those of each role, for example, or those with a label (`priority="low"`).
    """
    counts: Counter[float] = Counter()
    for (name, series), value in sample.items():
        if name == f"{metric}_bucket" and label in series:
            counts[float(series.split('le="')[1].split('"')[0])] += value
    buckets = sorted(counts.items())
    total = buckets[-1][1] if buckets else 0
    found = next((bound for bound, count in buckets if count >= part * total), math.inf)
    return found if math.isfinite(found) else None
