"""Progress of TaskInstances: one line for each, and counts by phase and verdict. Pure."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import get_args

from swefoundry.api.taskinstance import Phase, VerdictName
from swefoundry.cli.api_objects import KubernetesObject, namespaced_name, parse_time, status_of
from swefoundry.cli.views.time_left import instance_work, seconds_left

PHASES: tuple[str, ...] = get_args(Phase)
FINISHED_PHASES = frozenset({"Validated", "Rejected", "Failed"})
VERDICT_NAMES: tuple[str, ...] = get_args(VerdictName)
INITIAL_PHASE = "Pending"
"""Phase of an object that the operator has not seen yet."""


@dataclass(frozen=True)
class InstanceProgress:
    """One TaskInstance, with the fields that the table shows."""

    namespace: str
    name: str
    instance_id: str
    phase: str
    verdict: str
    strategy: str
    round: int | None
    fail_to_pass: int | None
    pass_to_pass: int | None
    duration: str
    reason: str
    message: str

    @property
    def finished(self) -> bool:
        return self.phase in FINISHED_PHASES


@dataclass(frozen=True)
class BatchProgress:
    """Progress of many TaskInstances."""

    lines: tuple[InstanceProgress, ...]
    seconds_left: int | None = None
    """Estimate of the time until the last one ends; None where there is no ground for one."""

    @property
    def phases(self) -> dict[str, int]:
        counted = Counter(line.phase for line in self.lines)
        return {phase: counted[phase] for phase in PHASES if counted[phase]}

    @property
    def verdicts(self) -> dict[str, int]:
        counted = Counter(line.verdict for line in self.lines)
        return {verdict: counted[verdict] for verdict in VERDICT_NAMES if counted[verdict]}

    @property
    def finished(self) -> int:
        return sum(line.finished for line in self.lines)

    @property
    def all_validated(self) -> bool:
        return all(line.phase == "Validated" for line in self.lines)

    def to_json_dict(self) -> dict[str, object]:
        return {
            "total": len(self.lines),
            "finished": self.finished,
            "seconds_left": self.seconds_left,
            "phases": self.phases,
            "verdicts": self.verdicts,
            "instances": [asdict(line) for line in self.lines],
        }


def batch_progress(bodies: Iterable[KubernetesObject], now: datetime) -> BatchProgress:
    """Progress of the objects, sorted by namespace and name."""
    ordered = sorted(bodies, key=namespaced_name)
    # Nobody knows when a suspended instance goes on.
    works = [instance_work(body) for body in ordered if status_of(body).get("phase") != "Suspended"]
    left = seconds_left(works, now)
    lines = tuple(_instance_progress(body, now) for body in ordered)
    return BatchProgress(lines, None if left is None else round(left))


def _instance_progress(body: KubernetesObject, now: datetime) -> InstanceProgress:
    metadata, status = body["metadata"], status_of(body)
    reason, message = leading_condition(status.get("conditions") or ())
    tests = status.get("tests") or {}
    return InstanceProgress(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        instance_id=(body.get("spec") or {}).get("instanceId", ""),
        phase=status.get("phase") or INITIAL_PHASE,
        verdict=status.get("verdict") or "",
        strategy=status.get("strategy") or "",
        round=status.get("round"),
        fail_to_pass=tests.get("failToPass"),
        pass_to_pass=tests.get("passToPass"),
        duration=status.get("duration") or _elapsed_since(status.get("startedAt"), now),
        reason=reason,
        message=message,
    )


def leading_condition(conditions: Iterable[KubernetesObject]) -> tuple[str, str]:
    """Reason and message of the most specific condition: why it stalls, what runs now, or how it ended."""
    by_type = {condition.get("type"): condition for condition in conditions}
    for kind in ("Stalled", "Reconciling", "Validated", "Succeeded", "Ready"):
        condition = by_type.get(kind)
        if condition:
            return str(condition.get("reason") or ""), str(condition.get("message") or "")
    return "", ""


def _elapsed_since(started: str | None, now: datetime) -> str:
    if not started:
        return ""
    seconds = max(0, int((now - parse_time(started)).total_seconds()))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m" if hours else f"{minutes}m{seconds}s" if minutes else f"{seconds}s"
