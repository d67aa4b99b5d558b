"""Rules that decide the next step of a TaskInstance: an ordered tuple, the first answer wins. Pure.

The tuple is the lifecycle: reading only it shows what the product does.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta

from swefoundry.api import conditions, reasons
from swefoundry.contracts.controls import ControlName
from swefoundry.controllers.steps import NoOp, Restart, RunWork
from swefoundry.controllers.taskinstance.control_works import can_be_valid, missing_control_works
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.sampling import missing_evaluations
from swefoundry.controllers.taskinstance.steps import (
    CreateEnvBuild,
    DeleteTask,
    Fail,
    Judge,
    Step,
    WaitForEnvBuild,
)
from swefoundry.workloads.attempt import INTAKE_WORK, LEAKS_WORK, Work
from swefoundry.workloads.decide import Wait, hold_if_suspended, next_move

Rule = Callable[[Observation], Step | None]


def decide(observed: Observation) -> Step:
    """The step of the first rule that applies."""
    for rule in RULES:
        step = rule(observed)
        if step is not None:
            return step
    return NoOp()


def deleted_tasks_are_ignored(observed: Observation) -> Step | None:
    """Its pods and its EnvBuild are garbage collected by owner references."""
    return NoOp() if observed.task.deleting else None


def expired_tasks_are_deleted(observed: Observation) -> Step | None:
    """``ttlSecondsAfterFinished`` is over."""
    ttl, finished = observed.task.spec.ttl_seconds_after_finished, observed.task.status.finished_at
    if ttl is None or finished is None or observed.now < finished + timedelta(seconds=ttl):
        return None
    return DeleteTask()


def failed_tasks_are_restarted(observed: Observation) -> Step | None:
    """The annotation has a value that was not acted on, and there is no verdict."""
    task = observed.task
    failed = task.status.finished_at is not None and task.status.verdict is None
    return Restart(task.retry) if failed and task.retry not in ("", task.status.retried) else None


def finished_tasks_rest(observed: Observation) -> Step | None:
    """A verdict, or the failure to get one, is final: the part of the spec that matters is immutable."""
    return NoOp() if observed.task.status.finished_at is not None else None


def sources_are_taken_in(observed: Observation) -> Step | None:
    """Invalid rows are rejected here, before anything is spent on them."""
    if observed.task.status.prepared is not None:
        return None
    return _run([INTAKE_WORK], observed)


def env_builds_are_created(observed: Observation) -> Step | None:
    """One EnvBuild per task."""
    if observed.build is not None or observed.image is not None:
        return None
    if observed.task.spec.suspend:
        return RunWork((Wait("environment", reasons.SUSPENDED),))
    return CreateEnvBuild()


def restarted_env_builds_are_awaited(observed: Observation) -> Step | None:
    """The EnvBuild has not noticed yet that it is to begin again."""
    build = observed.failed_build
    return WaitForEnvBuild() if build is not None and build.retry not in ("", build.status.retried) else None


def env_builds_are_awaited(observed: Observation) -> Step | None:
    """Wait until the EnvBuild has ended."""
    if observed.image is None and observed.build is not None and observed.build.status.finished_at is None:
        return WaitForEnvBuild()
    return None


def tasks_without_environment_fail(observed: Observation) -> Step | None:
    """No draft gave an image that can be evaluated. Reasons that blame no draft are kept: an infrastructure fault, and
    a row that the agents hold responsible.
    """
    if observed.build is None or observed.image is not None:
        return None
    reason, message = conditions.reason_of(observed.build.status.conditions, conditions.SUCCEEDED)
    if reason in (reasons.INFRASTRUCTURE, reasons.AGENTS_ROW_AT_FAULT):
        return Fail(reason, f"EnvBuild {observed.build.name}: {message}")
    return Fail(reasons.ENVIRONMENT_FAILED, f"EnvBuild {observed.build.name}: {reason}: {message}")


def stages_are_evaluated(observed: Observation) -> Step | None:
    """The matrix at once, each stage in a fresh pod of its own image; then pair by pair while samples disagree."""
    missing = missing_evaluations(observed)
    return _run(missing, observed) if missing else None


def controls_are_evaluated(observed: Observation) -> Step | None:
    """Those that need pods of their own, where the verdict can be `fail2pass`."""
    missing = missing_control_works(observed)
    return _run(missing, observed) if missing else None


def images_are_searched_for_leaks(observed: Observation) -> Step | None:
    """The control `Leaks` has a pod of its own. Images of other verdicts than fail2pass are exported by nobody."""
    task = observed.task
    searched = any(control.name is ControlName.LEAKS for control in task.status.controls)
    if searched or ControlName.LEAKS not in task.spec.validation.controls:
        return None
    if not can_be_valid(observed):
        return None
    return _run([LEAKS_WORK], observed)


def matrices_are_judged(observed: Observation) -> Step | None:
    """Every evaluation has ended, and no more are needed."""
    return Judge()


RULES: tuple[Rule, ...] = (
    deleted_tasks_are_ignored,
    expired_tasks_are_deleted,
    failed_tasks_are_restarted,
    finished_tasks_rest,
    sources_are_taken_in,
    env_builds_are_created,
    restarted_env_builds_are_awaited,
    env_builds_are_awaited,
    tasks_without_environment_fail,
    stages_are_evaluated,
    controls_are_evaluated,
    images_are_searched_for_leaks,
    matrices_are_judged,
)
"""Order is meaning; a test pins it."""


def _run(works: Iterable[Work], observed: Observation) -> RunWork:
    """The next move of each; while the task is suspended none of them starts a pod."""
    suspended = observed.task.spec.suspend
    return RunWork(
        tuple(hold_if_suspended(next_move(work, observed.work_state), suspended) for work in works)
    )
