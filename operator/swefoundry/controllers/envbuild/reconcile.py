"""One look at one EnvBuild: observe, decide, act, report, one status write, then let finished pods go."""

from datetime import datetime

from swefoundry.controllers.envbuild.actions import act
from swefoundry.controllers.envbuild.leader import wake
from swefoundry.controllers.envbuild.observe import observe
from swefoundry.controllers.envbuild.reuse.candidates import remembered
from swefoundry.controllers.envbuild.rules import decide
from swefoundry.controllers.envbuild.status import report
from swefoundry.controllers.envbuild.status_metrics import count
from swefoundry.controllers.events import announce
from swefoundry.controllers.finish import let_go, recheck, told, write_status
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext


async def reconcile(key: Key, context: ReconcileContext, now: datetime) -> None:
    """Bring one EnvBuild one step closer to an image."""
    seen = observe(key, context, now)
    if seen is None:
        return
    step = decide(seen)
    results, error = await act(step, seen, context)
    status = await remembered(seen, report(seen, step, told(results, error)), context)
    await write_status(context, BUILDS, seen.build, status)
    ended = status.finished_at is not None and seen.build.status.finished_at is None
    if ended or seen.suspended:  # nobody waits for one that rests
        context.leading.discard(seen.build.uid)
        wake(context, seen.build.spec.repo)
    count(seen.build.status, status, seen.settings.told_apart(seen.build.experiment))
    await announce(context, seen.build, status, now)
    await let_go(context, seen.build, status.running, seen.pods)
    recheck(context, key, results)
    if error is not None:
        raise error
