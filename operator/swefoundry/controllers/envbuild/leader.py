"""EnvBuilds of one repository wait for the oldest of them: what it finds spares the others a search of their own.

::

    oldest   ─ recipe, recipe, … ─> accepted, remembered ─> ends, wakes the others
    younger  ─ waits ────────────────────────────────────> reuses its image

Who has begun waits for nobody, and the order among the others is that of creation: so nobody waits for somebody who
waits for it. Each wait is bounded.
"""

from datetime import datetime, timedelta

from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.strategy_names import REUSE
from swefoundry.controllers.envbuild.observe import Observation, is_suspended
from swefoundry.kube.cache import key_of
from swefoundry.kube.resources import BUILDS, ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.context import ReconcileContext

LeaderOrder = tuple[bool, datetime, str, str]
"""Whether its search is still to begin, when it was made, namespace and name: no two are equal."""


def find_leader(build: EnvBuild, context: ReconcileContext) -> Key | None:
    """The unfinished EnvBuild of the same repository that goes first and may leave an image to reuse.

    One that has begun goes before all others: two that are made in the same second may begin in either order.
    """
    own = (True, build.created, build.namespace, build.name)
    leading = (
        body for body in context.cache.same_repo(BUILDS.kind, build.spec.repo) if _may_lead(body, context)
    )
    first = [(rank, key_of(body)) for body in leading if (rank := _leader_order(body, context)) < own]
    return min(first, key=lambda item: item[0])[1] if first else None


def wait_time_left(observed: Observation) -> timedelta:
    """How much longer it may wait."""
    waited = observed.now - (observed.build.status.started_at or observed.now)
    return timedelta(seconds=observed.settings.sibling_wait_seconds) - waited


def become_leader(build: EnvBuild, context: ReconcileContext) -> None:
    """Note at once that ``build`` begins a search of its own: another may be looked at before its status says so."""
    context.search_leaders.add(build.uid)


def wait_for_leader(build: EnvBuild, context: ReconcileContext) -> None:
    """Note that ``build`` is to be woken when another of its repository ends."""
    context.leader_waiters.setdefault(build.spec.repo, set()).add(
        Key(BUILDS.kind, build.namespace, build.name)
    )


def notify_waiters(context: ReconcileContext, repo: str) -> None:
    """One of a repository's EnvBuilds has ended, or is gone: look at those that wait, and at no others.

    A thousand of one repository would else be looked at a thousand times each.
    """
    for key in context.leader_waiters.pop(repo, ()):
        context.queue.add(key)


def _may_lead(body: ApiObject, context: ReconcileContext) -> bool:
    ended = "finishedAt" in body.get("status", {}) or "deletionTimestamp" in body["metadata"]
    return not ended and not is_suspended(body, context) and _uses_reuse(body, context.settings)


def _uses_reuse(body: ApiObject, settings: Settings) -> bool:
    environment = body["spec"].get("environment", {})
    named = environment.get("strategies") or ([] if "draft" in environment else settings.strategies)
    return REUSE in named


def _leader_order(body: ApiObject, context: ReconcileContext) -> LeaderOrder:
    meta = body["metadata"]
    created = datetime.fromisoformat(meta["creationTimestamp"])
    rounds = body.get("status", {}).get("rounds", ())
    begun = meta["uid"] in context.search_leaders or any("parent" not in item for item in rounds)
    return not begun, created, meta["namespace"], meta["name"]
