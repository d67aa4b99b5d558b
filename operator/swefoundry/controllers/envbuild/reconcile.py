"""One reconcile of one EnvBuild: observe, decide, act, report, write."""

from dataclasses import replace
from datetime import datetime

from swefoundry import errors
from swefoundry.api.envbuild import EnvBuildStatus
from swefoundry.controllers.controller import Controller
from swefoundry.controllers.decision_log import log_decisions
from swefoundry.controllers.envbuild.actions import act
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.observe import observe
from swefoundry.controllers.envbuild.reuse.environment_records import persist_before_status
from swefoundry.controllers.envbuild.rules import (
    STATUS_RULES,
    decide,
    end_of_search,
    first_step,
    follows_from_status,
)
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.status import report
from swefoundry.controllers.envbuild.status_metrics import count_changes
from swefoundry.controllers.envbuild.steps import Result, StartRound
from swefoundry.controllers.events import emit_events
from swefoundry.controllers.finish import (
    has_collected,
    release_finished_pods,
    schedule_requeue,
    with_api_error_as_wait,
    write_status,
)
from swefoundry.controllers.steps import RunWork
from swefoundry.controllers.usage_samples import build_samples
from swefoundry.kube.resources import BUILDS
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.lifecycle import expected_waits, owned_pods


def env_build_controller(context: EnvBuildContext) -> Controller:
    """The controller of EnvBuilds."""
    return Controller(
        BUILDS,
        lambda key, now: reconcile(key, context, now),
        on_deleted=context.coordination.on_deleted,
        state_sections=context.coordination.state_sections,
    )


async def reconcile(key: Key, context: EnvBuildContext, now: datetime) -> None:
    """Bring one EnvBuild one step closer to an image.

    Effects, in this order: registry reads for the decision (``observe``), the history of what pods used, steps of pods,
    results and drafts (``act``), registry writes that the new status implies (``persist_before_status``), the one
    status write, leadership and its waiters, metrics, log lines, events, release of finished pods, requeue. The
    first error of ``act`` is raised last, when all that was achieved is written.
    """
    observed = await observe(key, context, now)
    if observed is None:
        return
    _learn_usage(observed, context)
    after, results, error = await _perform_steps(observed, context)
    status = end_search_if_decided(after, after.build.status)
    status = await persist_before_status(observed, status, context)
    await write_status(context, BUILDS, observed.build, status)
    ended = status.finished_at is not None and observed.build.status.finished_at is None
    if ended or observed.suspended:
        context.coordination.release_leadership(observed.build)
    count_changes(
        observed.build.status, status, observed.settings.experiment_label(observed.build.experiment)
    )
    log_decisions(observed.build, status, results, now)
    await emit_events(context, observed.build, status, now)
    await release_finished_pods(context, observed.build, status.running, after.pods)
    schedule_requeue(context, key, results)
    if error is not None:
        raise error


async def _perform_steps(
    observed: Observation, context: EnvBuildContext
) -> tuple[Observation, list[Result], errors.SwefoundryError | None]:
    """One step, and the next ones that follow from results that were collected.

    The choice of a round is no such step: it depends on what others have proven meanwhile, so it is written first.
    """
    results: list[Result] = []
    while True:
        step = decide(observed)
        done, error = await act(step, observed, context)
        results += done
        status = report(observed, step, with_api_error_as_wait(done, error))
        observed = replace(observed.with_status(status), pods=owned_pods(context, observed.build.uid))
        _learn_usage(observed, context)
        if isinstance(step, StartRound) and error is None:
            return _with_expected_waits(observed, context), results, None
        if error is not None or not has_collected(done) or not follows_from_status(observed):
            return observed, results, error


def _with_expected_waits(observed: Observation, context: EnvBuildContext) -> Observation:
    """After a round's start, the status of an EnvBuild that will wait for a place: one write tells of both.

    The place itself is requested in the next reconcile, when the round is written.
    """
    step = first_step(STATUS_RULES, observed)
    if not isinstance(step, RunWork):
        return observed
    waits = expected_waits(context, observed.owner, step.moves)
    return observed.with_status(report(observed, step, waits)) if waits else observed


def _learn_usage(observed: Observation, context: EnvBuildContext) -> None:
    """Also before the status is written: a TaskInstance may act on it before this object's next reconcile."""
    context.usage_history.learn(observed.repository, observed.build.uid, build_samples(observed.build.status))


def end_search_if_decided(observed: Observation, status: EnvBuildStatus) -> EnvBuildStatus:
    """The end of the search, when the results of this very step decide it: it goes into the same status write."""
    after = observed.with_status(status)
    step = end_of_search(after)
    return status if step is None else report(after, step, ())
