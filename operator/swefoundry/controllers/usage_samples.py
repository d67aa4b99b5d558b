"""What the status of an object says about what its pods used. Pure.

Read at each reconcile, so that after a restart the operator knows again what it knew.
"""

from collections.abc import Iterator

from swefoundry.api.envbuild import EnvBuildStatus, Round
from swefoundry.api.taskinstance import TaskInstanceStatus
from swefoundry.api.types import Attempt
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.workloads.attempt import Role, Work, WorkKind
from swefoundry.workloads.resource_estimates import PeakUse
from swefoundry.workloads.usage_history import UsageSample


def task_samples(status: TaskInstanceStatus) -> Iterator[UsageSample]:
    """The matrix."""
    image = status.image.digest if status.image is not None else None
    for item in status.evaluations:
        yield from _sample(Role.EVALUATION, item.measured, item.seconds, image)


def build_samples(status: EnvBuildStatus) -> Iterator[UsageSample]:
    """Probes of every round, and the builds among the last attempts."""
    for item in status.rounds:
        yield from _probe_samples(item)
    for attempt in status.attempts:
        if _is_build(attempt):
            yield from _sample(Role.BUILD, attempt.measured, attempt.seconds)


def _probe_samples(item: Round) -> Iterator[UsageSample]:
    for probe in item.probes:
        yield from _sample(Role.EVALUATION, probe.measured, probe.seconds, item.image)


def _is_build(attempt: Attempt) -> bool:
    return Work.parse(attempt.work).kind is WorkKind.BUILD


def _sample(
    role: Role, measured: MeasuredResources | None, seconds: float | None, image: str | None = None
) -> Iterator[UsageSample]:
    if measured is not None and seconds is not None:
        yield UsageSample(role, PeakUse.of(measured, seconds), image)
