"""Estimate of the time until a batch has ended, from what its instances have measured so far. Pure.

::

    time left = seconds of pods left / seconds of pods per second since the batch began + the longest instance alone

The rate has the places that the cluster really gives, starts of pods, and all waiting in it. It falls when only few
instances are left, hence the second term (Graham's bound of list scheduling). A stage that an instance has before it is
expected to take what it took other instances of the repository, else of the batch.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import mean, median

from swefoundry.cli.api_objects import KubernetesObject, parse_time, status_of
from swefoundry.workloads.attempt import INTAKE_WORK

PARALLEL_PODS = 2
"""Pods of one instance that run at the same time where there is room: most of its seconds are in pairs of probes and in
the matrix.
"""


@dataclass(frozen=True)
class InstanceWork:
    """How far an instance has come. Its stages are intake, environment and matrix."""

    repository: str
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    passed: tuple[float | None, ...] = ()
    """Seconds of pods of each stage that has ended; None where they were not measured."""
    current: float = 0
    """Seconds of pods that have ended in the stage that has not."""

    @property
    def done(self) -> float:
        """Seconds of pods so far."""
        return sum(seconds or 0 for seconds in self.passed) + self.current


STAGES = 3


def instance_work(body: KubernetesObject) -> InstanceWork:
    """How far a TaskInstance has come, by its status."""
    status = status_of(body)
    evaluated = [item["seconds"] for item in status.get("evaluations") or () if "seconds" in item]
    passed: list[float | None] = []
    if status.get("prepared"):
        passed.append(_intake_seconds(status))
    if "environmentSeconds" in status:
        passed.append(status["environmentSeconds"])
    if status.get("verdict"):
        passed.append(sum(evaluated) if evaluated else None)
    return InstanceWork(
        repository=(body.get("spec") or {}).get("repo", ""),
        created=parse_time(body["metadata"]["creationTimestamp"]),
        started=parse_time(status["startedAt"]) if "startedAt" in status else None,
        ended=parse_time(status["finishedAt"]) if "finishedAt" in status else None,
        passed=tuple(passed),
        current=0 if status.get("verdict") else sum(evaluated),
    )


def _intake_seconds(status: KubernetesObject) -> float | None:
    """None when the last attempts, which a status keeps, have none of the intake."""
    attempts = status.get("attempts") or ()
    return sum(each.get("seconds") or 0 for each in attempts if each["work"] == str(INTAKE_WORK)) or None


def seconds_left(works: Sequence[InstanceWork], now: datetime) -> float | None:
    """Seconds until the last instance ends; None while a stage, or the rate, has not been measured."""
    open_works = [work for work in works if work.ended is None]
    typical = _TypicalSeconds(works)
    left = [typical.left(work) for work in open_works]
    known = [seconds for seconds in left if seconds is not None]
    rate = _seconds_per_second(works, open_works, now)
    if not open_works or len(known) < len(left) or not rate:
        return None
    return sum(known) / rate + max(known) / PARALLEL_PODS


class _TypicalSeconds:
    """Mean seconds of a stage, of a repository or of all."""

    def __init__(self, works: Iterable[InstanceWork]) -> None:
        self._measured: dict[tuple[str | None, int], list[float]] = defaultdict(list)
        for work in works:
            for stage, seconds in enumerate(work.passed):
                if seconds is not None:
                    self._measured[work.repository, stage].append(seconds)
                    self._measured[None, stage].append(seconds)
        self._means = {key: mean(measured) for key, measured in self._measured.items()}

    def left(self, work: InstanceWork) -> float | None:
        """Seconds of pods that the instance still needs; None when nothing tells."""
        ahead = [self._of(work.repository, stage) for stage in range(len(work.passed), STAGES)]
        known = [seconds for seconds in ahead if seconds is not None]
        if len(known) < len(ahead):
            return None
        return max(0.0, known[0] - work.current) + sum(known[1:]) if known else 0.0

    def _of(self, repository: str, stage: int) -> float | None:
        return self._means.get((repository, stage), self._means.get((None, stage)))


def _seconds_per_second(
    works: Iterable[InstanceWork], open_works: Sequence[InstanceWork], now: datetime
) -> float | None:
    """Mean number of pods that ran at a time since the batch began; None before one has ended.

    The batch began when the median of its open instances was created: neither an older batch in the namespace nor one
    instance that has waited since yesterday counts.
    """
    if not open_works:
        return None
    begin = median(work.created.timestamp() for work in open_works)
    elapsed = now.timestamp() - begin
    done = sum(work.done * _share_since(begin, work, now) for work in works)
    return done / elapsed if elapsed > 0 and done > 0 else None


def _share_since(begin: float, work: InstanceWork, now: datetime) -> float:
    """Share of the instance's work that was done since then, if it was done evenly."""
    if work.started is None:
        return 0
    started, ended = work.started.timestamp(), (work.ended or now).timestamp()
    if started >= begin:
        return 1
    return max(0.0, ended - begin) / (ended - started)
