"""Reconcile one TaskInstance: observe, decide, act, report, write the status, log, release finished pods, requeue."""

from dataclasses import dataclass, replace
from datetime import datetime

from swefoundry import errors
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.decision_log import log_decisions
from swefoundry.controllers.events import emit_events
from swefoundry.controllers.finish import (
    has_collected,
    release_finished_pods,
    schedule_requeue,
    with_api_error_as_wait,
    write_status,
)
from swefoundry.controllers.taskinstance.actions import act
from swefoundry.controllers.taskinstance.observe import Observation, observe
from swefoundry.controllers.taskinstance.rules import decide
from swefoundry.controllers.taskinstance.status import report
from swefoundry.controllers.taskinstance.steps import DeleteTask, EnvBuildCreated, Result, WaitForEnvBuild
from swefoundry.controllers.usage_samples import task_samples
from swefoundry.kube.resources import TASKS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.lifecycle import owned_pods


def task_controller(context: ReconcileContext) -> Controller:
    """The controller of TaskInstances."""
    return Controller(TASKS, lambda key, now: reconcile(key, context, now))


async def reconcile(key: Key, context: ReconcileContext, now: datetime) -> None:
    """Bring one TaskInstance one step closer to a verdict."""
    observed = observe(key, context, now)
    if observed is None:
        return
    _learn_usage(observed, context)
    end = await _perform_steps(observed, context)
    if end is None:
        return
    status, results = end.observed.task.status, end.results
    written = await write_status(
        context, TASKS, observed.task, status, repeated=end.repeats_env_build, held=end.begins_env_build
    )
    log_decisions(observed.task, status, results, now)
    await emit_events(context, observed.task, status, now)
    if written:
        await release_finished_pods(context, observed.task, status.running, end.observed.pods)
    _schedule_requeues(key, context, observed, results)
    if end.error is not None:
        raise end.error


@dataclass(frozen=True)
class _Progress:
    """What the steps of a reconcile have achieved."""

    observed: Observation
    """With the status to write."""
    results: list[Result]
    error: errors.SwefoundryError | None
    repeats_env_build: bool
    """The status shows what the EnvBuild's own status shows."""
    begins_env_build: bool
    """The EnvBuild was created now: its first phase follows at once, and goes into the same write as the intake's
    result, which the intake's pod holds until then.
    """


async def _perform_steps(observed: Observation, context: ReconcileContext) -> _Progress | None:
    """One step, and the next ones that follow from results that were collected; None when the object is deleted."""
    results: list[Result] = []
    while True:
        step = decide(observed)
        done, error = await act(step, observed, context)
        if isinstance(step, DeleteTask):
            return None
        results += done
        status = report(observed, step, with_api_error_as_wait(done, error))
        pods = owned_pods(context, observed.task.uid)
        observed = replace(observed, task=replace(observed.task, status=status), pods=pods)
        _learn_usage(observed, context)
        if error is not None or not has_collected(done):
            begins = any(isinstance(result, EnvBuildCreated) for result in results)
            return _Progress(observed, results, error, isinstance(step, WaitForEnvBuild), begins)


def _learn_usage(observed: Observation, context: ReconcileContext) -> None:
    """Also before the status is written: other instances of the image may act on it at once."""
    context.usage_history.learn(observed.repository, observed.task.uid, task_samples(observed.task.status))


def _schedule_requeues(
    key: Key, context: ReconcileContext, observed: Observation, results: list[Result]
) -> None:
    schedule_requeue(context, key, results)
    ttl, finished = observed.task.spec.ttl_seconds_after_finished, observed.task.status.finished_at
    if ttl is not None and finished is not None:
        context.queue.add_after(key, max(1.0, ttl - (observed.now - finished).total_seconds()))
