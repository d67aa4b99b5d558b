"""One look at one EnvBuild: observe, decide, act, report, one status write, then let finished pods go."""

from datetime import datetime

from swefoundry.controllers.decision_log import log_decisions
from swefoundry.controllers.envbuild.actions import act
from swefoundry.controllers.envbuild.leader import notify_waiters
from swefoundry.controllers.envbuild.observe import observe
from swefoundry.controllers.envbuild.reuse.candidates import persist_before_status
from swefoundry.controllers.envbuild.rules import decide
from swefoundry.controllers.envbuild.status import report
from swefoundry.controllers.envbuild.status_metrics import count_changes
from swefoundry.controllers.events import emit_events
from swefoundry.controllers.finish import (
    release_finished_pods,
    schedule_requeue,
    with_api_error_as_wait,
    write_status,
)
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
    status = await persist_before_status(
        seen, report(seen, step, with_api_error_as_wait(results, error)), context
    )
    await write_status(context, BUILDS, seen.build, status)
    log_decisions(seen.build, status, results, now)
    ended = status.finished_at is not None and seen.build.status.finished_at is None
    if ended or seen.suspended:  # nobody waits for one that rests
        context.search_leaders.discard(seen.build.uid)
        notify_waiters(context, seen.build.spec.repo)
    count_changes(seen.build.status, status, seen.settings.experiment_label(seen.build.experiment))
    await emit_events(context, seen.build, status, now)
    await release_finished_pods(context, seen.build, status.running, seen.pods)
    schedule_requeue(context, key, results)
    if error is not None:
        raise error
