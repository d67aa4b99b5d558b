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
from swefoundry.workloads.context import World


async def reconcile(key: Key, world: World, now: datetime) -> None:
    """Bring one TaskInstance one step closer to a verdict."""
    seen = observe(key, world, now)
    if seen is None:
        return
    step = decide(seen)
    results, error = await act(step, seen, world)
    if isinstance(step, Delete):
        return
    status = report(seen, step, told(results, error))
    await write_status(world, TASKS, seen.task, status)
    await announce(world, seen.task, status, now)
    await let_go(world, seen.task, status.running, seen.pods)
    _plan(key, world, seen, results)
    if error is not None:
        raise error


def _plan(key: Key, world: World, seen: Observation, results: list[Result]) -> None:
    recheck(world, key, results)
    ttl, finished = seen.task.spec.ttl_seconds_after_finished, seen.task.status.finished_at
    if ttl is not None and finished is not None:
        world.queue.later(key, max(1.0, ttl - (seen.now - finished).total_seconds()))
