"""Costs of instances, in sums per attempted and per valid one. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field

from swefoundry.api.labels import EXPERIMENT
from swefoundry.cli.api_objects import KubernetesObject, namespaced_name, status_of
from swefoundry.contracts.models import MICRO, Usage

VALID_VERDICT = "fail2pass"
UNSTARTED_PHASES = frozenset({"Pending", "Suspended"})
"""Phases of instances on which nothing was spent yet."""
NO_STRATEGY = "(none yet)"


@dataclass(frozen=True)
class InstanceCost:
    """Cost of one TaskInstance with its EnvBuild, or of an EnvBuild without a TaskInstance."""

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

    def to_json_dict(self) -> dict[str, object]:
        return asdict(self) | {"usage": self.usage.model_dump()}


@dataclass(frozen=True)
class CostSum:
    """Cost of several instances together."""

    name: str
    attempted: int
    valid: int
    usage: Usage
    pod_seconds: float

    @property
    def per_attempted(self) -> float | None:
        """US dollars per attempted instance; None when there is none."""
        return _usd_per(self.usage.micro_usd, self.attempted)

    @property
    def per_valid(self) -> float | None:
        """US dollars of all attempts per valid instance; None when there is none."""
        return _usd_per(self.usage.micro_usd, self.valid)

    def to_json_dict(self) -> dict[str, object]:
        prices = {"usd_per_attempted": self.per_attempted, "usd_per_valid": self.per_valid}
        return (
            asdict(self)
            | {"usage": self.usage.model_dump(), "usd": _usd_per(self.usage.micro_usd, 1)}
            | prices
        )


@dataclass(frozen=True)
class CostReport:
    """Content of `swefoundry status --cost`."""

    instances: tuple[InstanceCost, ...]
    standalone: tuple[InstanceCost, ...] = ()
    """EnvBuilds without a TaskInstance: they have costs and cannot become valid instances."""

    @property
    def total(self) -> CostSum:
        return _cost_sum("all instances", self.instances)

    @property
    def total_standalone(self) -> CostSum:
        return _cost_sum("EnvBuilds alone", self.standalone)

    @property
    def by_experiment(self) -> list[CostSum]:
        """Empty where no instance belongs to an experiment."""
        if not any(each.experiment for each in self.instances):
            return []
        return _sum_by(self.instances, lambda each: each.experiment, "(none)")

    @property
    def by_strategy(self) -> list[CostSum]:
        return _sum_by(self.instances, lambda each: each.strategy, NO_STRATEGY)

    def to_json_dict(self) -> dict[str, object]:
        return {
            "total": self.total.to_json_dict(),
            "by_experiment": [each.to_json_dict() for each in self.by_experiment],
            "by_strategy": [each.to_json_dict() for each in self.by_strategy],
            "env_builds_alone": self.total_standalone.to_json_dict(),
            "instances": [each.to_json_dict() for each in self.instances],
        }


def cost_report(
    tasks: Iterable[KubernetesObject], builds: Iterable[KubernetesObject], include_standalone: bool = True
) -> CostReport:
    """Costs of the TaskInstances, and with ``include_standalone`` of EnvBuilds without a TaskInstance."""
    by_name = {namespaced_name(build): build for build in builds}
    instances = sorted((_task_cost(task, by_name) for task in tasks), key=_sort_key)
    standalone = [
        _env_build_cost(build) for build in by_name.values() if include_standalone and not _is_owned(build)
    ]
    return CostReport(tuple(instances), tuple(sorted(standalone, key=_sort_key)))


def _task_cost(task: KubernetesObject, builds: Mapping[tuple[str, str], KubernetesObject]) -> InstanceCost:
    metadata, status = task["metadata"], status_of(task)
    namespace, phase = metadata.get("namespace", ""), status.get("phase") or "Pending"
    build_status = status_of(builds.get((namespace, status.get("envBuild") or "")) or {})
    return InstanceCost(
        namespace=namespace,
        name=metadata["name"],
        phase=phase,
        attempted=bool(status.get("startedAt")) or phase not in UNSTARTED_PHASES,
        valid=status.get("verdict") == VALID_VERDICT,
        strategy=status.get("strategy") or build_status.get("strategy") or "",
        experiment=(metadata.get("labels") or {}).get(EXPERIMENT, ""),
        rounds=len(build_status.get("rounds") or ()),
        usage=usage_of(build_status),
        pod_seconds=build_status.get("podSeconds") or 0,
    )


def _env_build_cost(build: KubernetesObject) -> InstanceCost:
    metadata, status = build["metadata"], status_of(build)
    return InstanceCost(
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


def usage_of(status: KubernetesObject) -> Usage:
    """Model usage of an EnvBuild or of one of its rounds."""
    return Usage.model_validate(status.get("usage") or {})


def _is_owned(build: KubernetesObject) -> bool:
    owners = build["metadata"].get("ownerReferences") or ()
    return any(owner.get("kind") == "TaskInstance" for owner in owners)


def _sort_key(each: InstanceCost) -> tuple[str, str]:
    return each.namespace, each.name


def _usd_per(micro_usd: int, parts: int) -> float | None:
    return round(micro_usd / parts) / MICRO if parts else None


def _sum_by(
    instances: Iterable[InstanceCost], key: Callable[[InstanceCost], str], other: str
) -> list[CostSum]:
    groups: dict[str, list[InstanceCost]] = {}
    for each in instances:
        groups.setdefault(key(each), []).append(each)
    return [
        _cost_sum(name or other, groups[name]) for name in sorted(groups, key=lambda name: (not name, name))
    ]


def _cost_sum(name: str, instances: Iterable[InstanceCost]) -> CostSum:
    listed = list(instances)
    usage = Usage()
    for each in listed:
        usage = usage.plus(each.usage)
    return CostSum(
        name,
        attempted=sum(each.attempted for each in listed),
        valid=sum(each.valid for each in listed),
        usage=usage,
        pod_seconds=sum(each.pod_seconds for each in listed),
    )
