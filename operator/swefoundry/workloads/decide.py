"""What to do next about one piece of work, given its current attempt and that attempt's pod. Pure.

::

    (no attempt) ──Launch 0──> running ──record──> Collect
                                 │ fault of the cluster ──> Launch n+1, later, elsewhere
                                 │ memory kill, first time ──> Launch n+1 with twice the memory
                                 └ any other fault, or retries spent ──> Surrender
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from swefoundry.api import reasons
from swefoundry.api.types import Attempt
from swefoundry.contracts.exit_codes import Code
from swefoundry.settings import Settings
from swefoundry.workloads.pod_outcomes import Blame, Faulted, Finished, Reading, Running, Waiting
from swefoundry.workloads.pod_snapshot import PodSnapshot
from swefoundry.workloads.pod_status import Patience, read_pod

CHECK_SECONDS = 30.0
"""How often a waiting pod is looked at without an event: patience runs out silently."""

POD_LOST = "PodLost"
"""Reason of an attempt whose pod is not there any more; the acting side makes sure before it believes this."""

BUSY_CODES = frozenset({Code.INFRASTRUCTURE, Code.PUSH_FAILED})
"""Records that blame the registry: as good as a fault of the cluster."""

REFERENCE_MISSING = "ReferenceMissing"
"""A ConfigMap or Secret may be applied a moment after what names it, so this is waited for, too."""


@dataclass(frozen=True)
class Launch:
    """Start an attempt (or adopt its pod, if it exists already)."""

    work: str
    number: int = 0
    memory_factor: int = 1


@dataclass(frozen=True)
class Collect:
    """The pod ended with a record: keep its evidence."""

    work: str
    pod: PodSnapshot
    finished: Finished


@dataclass(frozen=True)
class Replace:
    """The attempt came to nothing: write that down, and plan the next."""

    work: str
    ended: Attempt
    planned: Attempt


@dataclass(frozen=True)
class Surrender:
    """The attempt came to nothing, and another would, too."""

    work: str
    ended: Attempt
    fault: Faulted


@dataclass(frozen=True)
class Await:
    """Nothing to do but wait; ``check_seconds`` bounds how long without an event."""

    work: str
    reason: str
    message: str = ""
    check_seconds: float = CHECK_SECONDS
    adopted: Attempt | None = None
    """A pod that the status does not know yet: made just before a crash."""


Move = Launch | Collect | Replace | Surrender | Await


@dataclass(frozen=True)
class Bench:
    """What is known about an object's pods."""

    running: Sequence[Attempt]
    pods: Sequence[PodSnapshot]
    now: datetime
    settings: Settings

    def attempt(self, work: str) -> Attempt | None:
        """The attempt that the status speaks of."""
        return next((item for item in self.running if item.work == work), None)

    def pod(self, work: str, number: int) -> PodSnapshot | None:
        """The newest pod of the work that is not older than attempt ``number``: one made just before a crash counts."""
        found = [pod for pod in self.pods if pod.work == work and pod.attempt >= number]
        return max(found, key=lambda pod: pod.attempt, default=None)


def pursue(work: str, bench: Bench) -> Move:
    """The next move for ``work``."""
    attempt = bench.attempt(work)
    pod = bench.pod(work, attempt.number if attempt else 0)
    if pod is None:
        return _begin(work, attempt, bench)
    patience = Patience(
        bench.settings.schedule_seconds, bench.settings.pull_grace_seconds, bench.settings.start_grace_seconds
    )
    number = pod.attempt
    factor = attempt.memory_factor if attempt and attempt.number == number else 1
    current = Attempt(
        work=work, number=number, pod=pod.name, uid=pod.uid, node=pod.node, memory_factor=factor
    )
    move = _respond(current, pod, _blaming_the_world(read_pod(pod, bench.now, patience), pod), bench)
    if isinstance(move, Await) and (attempt is None or attempt.uid != pod.uid):
        return replace(move, adopted=current)
    return move


def unless_suspended(move: Move, suspended: bool) -> Move:
    """``move``; a suspended task starts no pod, and keeps what the running ones give."""
    if isinstance(move, Launch) and suspended:
        return Await(move.work, reasons.SUSPENDED, "spec.suspend is true: no new pod is started")
    return move


def _begin(work: str, attempt: Attempt | None, bench: Bench) -> Move:
    if attempt is None:
        return Launch(work)
    if attempt.uid is not None:
        lost = Faulted(Blame.INFRASTRUCTURE, POD_LOST, "the pod vanished before its result was kept")
        return _replace(attempt, lost, bench)
    if attempt.not_before is not None and attempt.not_before > bench.now:
        pause = (attempt.not_before - bench.now).total_seconds()
        return Await(work, "Backoff", attempt.message or "", pause)
    return Launch(work, attempt.number, attempt.memory_factor)


def _respond(current: Attempt, pod: PodSnapshot, reading: Reading, bench: Bench) -> Move:
    match reading:
        case Waiting(reason, message):
            return Await(current.work, reason, message)
        case Running():
            return Await(current.work, "Running")
        case Finished():
            return Collect(current.work, pod, reading)
        case Faulted():
            return _replace(current, reading, bench)


def _blaming_the_world(reading: Reading, pod: PodSnapshot) -> Reading:
    if not isinstance(reading, Finished):
        return reading
    message = str(reading.record.get("message", ""))[:2000]
    if reading.code in BUSY_CODES:
        # A pod that was told to end stops with this code, too, when it has something to put away first.
        reason = (pod.disrupted or "PodDeleted") if pod.deleting else "RegistryFault"
        return Faulted(Blame.INFRASTRUCTURE, reason, message, reading.code, reading.seconds)
    if reading.code == Code.MODEL_UNAVAILABLE:
        return Faulted(Blame.INFRASTRUCTURE, "ModelUnavailable", message, reading.code, reading.seconds)
    if reading.code == Code.REFERENCE_MISSING:
        return Faulted(Blame.CONFIGURATION, REFERENCE_MISSING, message, reading.code, reading.seconds)
    return reading


def _replace(current: Attempt, fault: Faulted, bench: Bench) -> Move:
    ended = current.model_copy(
        update={
            "outcome": fault.blame.value,
            "reason": fault.reason,
            "message": fault.message or None,
            "exit_code": fault.exit_code,
            "seconds": fault.seconds,
            "not_before": None,
        }
    )
    planned = next_attempt(current, fault, bench)
    return Surrender(current.work, ended, fault) if planned is None else Replace(current.work, ended, planned)


def next_attempt(current: Attempt, fault: Faulted, bench: Bench) -> Attempt | None:
    """The attempt that follows a fault; None when there is no point."""
    number = current.number + 1
    fresh = Attempt(
        work=current.work,
        number=number,
        pod="",
        memory_factor=current.memory_factor,
        message=fault.message or None,
    )
    if fault.blame is Blame.LIMIT and fault.reason == "OOMKilled" and current.memory_factor == 1:
        return fresh.model_copy(update={"memory_factor": 2})
    passing = fault.blame is Blame.INFRASTRUCTURE or fault.reason == REFERENCE_MISSING
    if passing and current.number < bench.settings.max_infra_retries:
        pause = timedelta(seconds=bench.settings.retry_seconds * 2**current.number)
        return fresh.model_copy(update={"not_before": bench.now + pause})
    return None


def without_evidence(move: Collect, bench: Bench) -> Move:
    """What follows when the record is there and the log is gone: a result without evidence is none."""
    attempt = bench.attempt(move.work)
    current = Attempt(
        work=move.work,
        number=move.pod.attempt,
        pod=move.pod.name,
        uid=move.pod.uid,
        node=move.pod.node,
        memory_factor=attempt.memory_factor if attempt else 1,
    )
    message = "the pod was removed before its log was read"
    lost = Faulted(Blame.INFRASTRUCTURE, "LogLost", message, move.finished.code, move.finished.seconds)
    return _replace(current, lost, bench)
