"""What did the instances cost, per attempted and per valid one? Pure: objects in, sums out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from swefoundry.api.labels import EXPERIMENT
from swefoundry.contracts.models import MICRO, Usage

VALID = "fail2pass"
UNTOUCHED = frozenset({"Pending", "Suspended"})
"""Phases of instances on which nothing was spent yet."""
NO_STRATEGY = "(none yet)"
Body = Mapping[str, Any]


@dataclass(frozen=True)
class Spending:
    """One TaskInstance with its EnvBuild, or an EnvBuild alone."""

    namespace: str
    name: str
    phase: str
    attempted: bool
    valid: bool
    strategy: str
    experiment: str = ""
    rounds: int = 0
    usage: Usage = field(default_factory=Usage)
    pod_seconds: float = 0

    def wire(self) -> dict[str, object]:
        """For programs."""
        return asdict(self) | {"usage": self.usage.model_dump()}


@dataclass(frozen=True)
class Sum:
    """Many of them together."""

    name: str
    attempted: int
    valid: int
    usage: Usage
    pod_seconds: float

    @property
    def per_attempted(self) -> float | None:
        """US dollars; None when there is nothing to divide by."""
        return _share(self.usage.micro_usd, self.attempted)

    @property
    def per_valid(self) -> float | None:
        """US dollars, of all attempts, for each that became valid."""
        return _share(self.usage.micro_usd, self.valid)

    def wire(self) -> dict[str, object]:
        """For programs."""
        prices = {"usd_per_attempted": self.per_attempted, "usd_per_valid": self.per_valid}
        return (
            asdict(self) | {"usage": self.usage.model_dump(), "usd": _share(self.usage.micro_usd, 1)} | prices
        )


@dataclass(frozen=True)
class Costs:
    """What `swefoundry status --cost` tells."""

    instances: tuple[Spending, ...]
    alone: tuple[Spending, ...] = ()
    """EnvBuilds that belong to no TaskInstance: they cost, and can become no valid instance."""

    @property
    def total(self) -> Sum:
        return _sum("all instances", self.instances)

    @property
    def total_alone(self) -> Sum:
        return _sum("EnvBuilds alone", self.alone)

    @property
    def by_experiment(self) -> list[Sum]:
        """Empty where no instance belongs to an experiment."""
        if not any(each.experiment for each in self.instances):
            return []
        return _grouped(self.instances, lambda each: each.experiment, "(none)")

    @property
    def by_strategy(self) -> list[Sum]:
        return _grouped(self.instances, lambda each: each.strategy, NO_STRATEGY)

    def wire(self) -> dict[str, object]:
        return {
            "total": self.total.wire(),
            "by_experiment": [each.wire() for each in self.by_experiment],
            "by_strategy": [each.wire() for each in self.by_strategy],
            "env_builds_alone": self.total_alone.wire(),
            "instances": [each.wire() for each in self.instances],
        }


def costs(tasks: Iterable[Body], builds: Iterable[Body], alone: bool = True) -> Costs:
    """Of these TaskInstances; of the EnvBuilds that belong to none of them too, if ``alone``."""
    by_name = {(each["metadata"].get("namespace", ""), each["metadata"]["name"]): each for each in builds}
    instances = sorted((_of_task(task, by_name) for task in tasks), key=_place)
    single = [_of_build(build) for build in by_name.values() if alone and not _owned(build)]
    return Costs(tuple(instances), tuple(sorted(single, key=_place)))


def _of_task(task: Body, builds: Mapping[tuple[str, str], Body]) -> Spending:
    metadata, status = task["metadata"], task.get("status") or {}
    namespace, phase = metadata.get("namespace", ""), status.get("phase") or "Pending"
    made = (builds.get((namespace, status.get("envBuild") or "")) or {}).get("status") or {}
    return Spending(
        namespace=namespace,
        name=metadata["name"],
        phase=phase,
        attempted=bool(status.get("startedAt")) or phase not in UNTOUCHED,
        valid=status.get("verdict") == VALID,
        strategy=status.get("strategy") or made.get("strategy") or "",
        experiment=(metadata.get("labels") or {}).get(EXPERIMENT, ""),
        rounds=len(made.get("rounds") or ()),
        usage=usage_of(made),
        pod_seconds=made.get("podSeconds") or 0,
    )


def _of_build(build: Body) -> Spending:
    metadata, status = build["metadata"], build.get("status") or {}
    return Spending(
        namespace=metadata.get("namespace", ""),
        name=metadata["name"],
        phase=status.get("phase") or "Pending",
        attempted=bool(status.get("startedAt")) or bool(status.get("rounds")),
        valid=False,
        strategy=status.get("strategy") or "",
        experiment=(metadata.get("labels") or {}).get(EXPERIMENT, ""),
        rounds=len(status.get("rounds") or ()),
        usage=usage_of(status),
        pod_seconds=status.get("podSeconds") or 0,
    )


def usage_of(status: Body) -> Usage:
    """What the models of an EnvBuild, or of one of its rounds, were used for."""
    return Usage.model_validate(status.get("usage") or {})


def _owned(build: Body) -> bool:
    owners = build["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == "TaskInstance" for owner in owners)


def _place(each: Spending) -> tuple[str, str]:
    return each.namespace, each.name


def _share(micro_usd: int, parts: int) -> float | None:
    return round(micro_usd / parts) / MICRO if parts else None


def _grouped(instances: Iterable[Spending], key: Callable[[Spending], str], other: str) -> list[Sum]:
    groups: dict[str, list[Spending]] = {}
    for each in instances:
        groups.setdefault(key(each), []).append(each)
    return [_sum(name or other, groups[name]) for name in sorted(groups, key=lambda name: (not name, name))]


def _sum(name: str, instances: Iterable[Spending]) -> Sum:
    listed = list(instances)
    usage = Usage()
    for each in listed:
        usage = usage.plus(each.usage)
    return Sum(
        name,
        attempted=sum(each.attempted for each in listed),
        valid=sum(each.valid for each in listed),
        usage=usage,
        pod_seconds=sum(each.pod_seconds for each in listed),
    )
