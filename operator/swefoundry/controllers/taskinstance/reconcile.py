"""One look at one TaskInstance: observe, decide, act, report, one status write, then let finished pods go."""

from datetime import datetime

from swefoundry.controllers.events import announce
from swefoundry.controllers.finish import let_go, recheck, told, write_status
from swefoundry.controllers.taskinstance.actions import act
from swefoundry.controllers.taskinstance.observe import Observation, observe
from swefoundry.controllers.taskinstance.rules import decide
from swefoundry.controllers.taskinstance.status import report
from swefoundry.controllers.taskinstance.steps import Delete, Result
from swefoundry.kube.resources import TASKS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext


async def reconcile(key: Key, context: ReconcileContext, now: datetime) -> None:
    """Bring one TaskInstance one step closer to a verdict."""
    observed = observe(key, context, now)
    if observed is None:
        return
    step = decide(observed)
    results, error = await act(step, observed, context)
    if isinstance(step, Delete):
        return
    status = report(observed, step, told(results, error))
    await write_status(context, TASKS, observed.task, status)
    await announce(context, observed.task, status, now)
    await let_go(context, observed.task, status.running, observed.pods)
    _plan(key, context, observed, results)
    if error is not None:
        raise error


def _plan(key: Key, context: ReconcileContext, observed: Observation, results: list[Result]) -> None:
    recheck(context, key, results)
    ttl, finished = observed.task.spec.ttl_seconds_after_finished, observed.task.status.finished_at
    if ttl is not None and finished is not None:
        context.queue.later(key, max(1.0, ttl - (observed.now - finished).total_seconds()))
