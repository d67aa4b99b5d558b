"""Logs of a TaskInstance: where each is, in a running pod or in the registry. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.api.status_upgrade import upgraded
from swefoundry.cli.api_objects import KubernetesObject, status_of
from swefoundry.errors import NotFound


class LogStage(StrEnum):
    """Work whose log can be shown."""

    INTAKE = "intake"
    CHECKOUT = "checkout"
    AGENT = "agent"
    BUILD = "build"
    BASE = "base"
    BEFORE = "before"
    AFTER = "after"


EVALUATED_STAGES = (LogStage.AFTER, LogStage.BEFORE, LogStage.BASE)


@dataclass(frozen=True)
class LogSource:
    """One log."""

    stage: LogStage
    round: int | None = None
    """Round of the EnvBuild, from 1; None for work of the TaskInstance itself."""
    repeat: int = 0
    outcome: str = ""
    pod: str = ""
    """Name of the pod that runs; empty when the log is in the registry."""
    evidence: str = ""
    """Digest in the registry: an artifact of an evaluation, or the blob of a build's log."""

    @property
    def running(self) -> bool:
        """Whether the pod still runs."""
        return bool(self.pod)

    @property
    def title(self) -> str:
        """Name for people, such as `round 2, before` or `after #1`."""
        if self.round is not None:
            return f"round {self.round}, {self.stage}"
        return f"{self.stage} #{self.repeat}" if self.stage in EVALUATED_STAGES else str(self.stage)


@dataclass(frozen=True)
class LogChoice:
    """Which log is asked for; None where any will do."""

    stage: LogStage | None = None
    round: int | None = None
    repeat: int | None = None

    def matches(self, source: LogSource) -> bool:
        """Whether the source is one of those that are asked for."""
        return (
            self.stage in (None, source.stage)
            and self.round in (None, source.round)
            and (self.repeat is None or (source.round is None and source.repeat == self.repeat))
        )


def log_sources(task: KubernetesObject, build: KubernetesObject | None) -> list[LogSource]:
    """Every log that can be shown, oldest work first."""
    task_status, build_status = status_of(task), upgraded(status_of(build or {}))
    return [
        *_intake_sources(task_status),
        *_stored_round_sources(build_status),
        *_running_round_sources(build_status),
        *_stored_evaluations(task_status),
        *_running_evaluations(task_status),
    ]


def choose_log(sources: list[LogSource], choice: LogChoice) -> LogSource:
    """The log to show: what runs now, else what decides: the newest `after`, `before`, or other work.

    Raises `NotFound` with what there is.
    """
    found = [source for source in sources if choice.matches(source)]
    if not found:
        titles = (
            ", ".join(source.title for source in sources) or "none: nothing has started, or its pods are gone"
        )
        raise NotFound(f"there is no such log; there are: {titles}")
    return max(enumerate(found), key=lambda item: (*_preference(item[1], choice), item[0]))[1]


def _preference(source: LogSource, choice: LogChoice) -> tuple[bool, bool, int]:
    """Higher is better. The matrix is newer than the probes, which ran for the search."""
    order = (
        EVALUATED_STAGES.index(source.stage) if source.stage in EVALUATED_STAGES else len(EVALUATED_STAGES)
    )
    by_stage = 0 if choice.stage is not None else -order
    return source.running, source.round is None and source.stage in EVALUATED_STAGES, by_stage


def _intake_sources(status: KubernetesObject) -> Iterator[LogSource]:
    return (LogSource(LogStage.INTAKE, pod=pod) for work, pod in _running(status) if work == LogStage.INTAKE)


def _stored_round_sources(status: KubernetesObject) -> Iterator[LogSource]:
    for each in status.get("rounds") or []:
        number, outcome = each["number"], each.get("outcome") or ""
        if each.get("evidence"):
            yield LogSource(LogStage.BUILD, number, outcome=outcome, evidence=each["evidence"])
        for probe in each.get("probes") or []:
            if probe.get("evidence"):
                stage = LogStage(probe["stage"])
                yield LogSource(stage, number, outcome=_outcome(probe), evidence=probe["evidence"])


def _running_round_sources(status: KubernetesObject) -> Iterator[LogSource]:
    for work, pod in _running(status):
        stage, _, index = work.partition("-")
        if stage in set(LogStage):
            yield LogSource(LogStage(stage), int(index) + 1 if index else None, pod=pod)


def _stored_evaluations(status: KubernetesObject) -> Iterator[LogSource]:
    for each in status.get("evaluations") or []:
        if each.get("evidence"):
            yield LogSource(
                LogStage(each["stage"]), None, each["repeat"], _outcome(each), evidence=each["evidence"]
            )


def _running_evaluations(status: KubernetesObject) -> Iterator[LogSource]:
    for work, pod in _running(status):
        stage, _, repeat = work.partition("-")
        if stage in EVALUATED_STAGES:
            yield LogSource(LogStage(stage), None, int(repeat), pod=pod)


def _running(status: KubernetesObject) -> Iterator[tuple[str, str]]:
    """Work and pod of every attempt that runs; an attempt that waits to be repeated has no pod."""
    return ((each["work"], each["pod"]) for each in status.get("running") or [] if each.get("uid"))


def _outcome(evaluation: KubernetesObject) -> str:
    return evaluation.get("fault") or f"code {evaluation.get('code', '?')}"
