"""Leader of the searches of one repository: the others wait for it, because its image may spare them a search.

::

    leader   ─ recipe, recipe, … ─> accepted, recorded ─> ends, its waiters are enqueued
    others   ─ wait ────────────────────────────────────> reuse its image

A search that has begun waits for no other, and the order among the rest is that of creation, so two searches never wait
for each other. Each wait is bounded by `sibling_wait_seconds`.
"""

from datetime import datetime, timedelta

from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.strategy_names import REUSE
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.controllers.envbuild.strategy_order import may_reuse_image
from swefoundry.kube.cache import key_of, owner_of
from swefoundry.kube.resources import BUILDS, ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.context import ReconcileContext

LeaderOrder = tuple[bool, datetime, str, str]
"""Whether the search is still to begin, time of creation, namespace and name: a total order."""


def find_leader(build: EnvBuild, context: EnvBuildContext) -> Key | None:
    """The unfinished EnvBuild of the same repository that goes first and may leave an image to reuse.

    A search that has begun goes before all others: of two objects created in the same second, either may begin first.
    """
    own = (True, build.created, build.namespace, build.name)
    searches = (
        body for body in context.cache.same_repo(BUILDS.kind, build.spec.repo) if _may_lead(body, context)
    )
    first = [(rank, key_of(body)) for body in searches if (rank := _leader_order(body, context)) < own]
    return min(first, key=lambda item: item[0])[1] if first else None


def find_leader_to_await(observed: Observation, context: EnvBuildContext) -> Key | None:
    """The leader, when this EnvBuild has to wait for it before it writes a draft from scratch."""
    build, settings = observed.build, observed.settings
    has_begun = context.coordination.is_leader(build.uid) or any(
        item.parent is None for item in build.status.rounds
    )
    named = build.spec.environment.parent_ref is not None
    if has_begun or named or observed.leader_wait_left <= timedelta():
        return None
    if not settings.reuse_neighbours or not may_reuse_image(build.spec.environment, settings):
        return None
    return find_leader(build, context)


def _may_lead(body: ApiObject, context: EnvBuildContext) -> bool:
    ended = "finishedAt" in body.get("status", {}) or "deletionTimestamp" in body["metadata"]
    return not ended and not is_suspended(body, context) and _uses_reuse(body, context.settings)


def _uses_reuse(body: ApiObject, settings: Settings) -> bool:
    environment = body["spec"].get("environment", {})
    named = environment.get("strategies") or ([] if "draft" in environment else settings.strategies)
    return REUSE in named


def _leader_order(body: ApiObject, context: EnvBuildContext) -> LeaderOrder:
    meta = body["metadata"]
    created = datetime.fromisoformat(meta["creationTimestamp"])
    rounds = body.get("status", {}).get("rounds", ())
    has_begun = context.coordination.is_leader(meta["uid"]) or any("parent" not in item for item in rounds)
    return not has_begun, created, meta["namespace"], meta["name"]


def is_suspended(body: ApiObject, context: ReconcileContext) -> bool:
    """Whether the TaskInstance that an EnvBuild is made for is suspended."""
    owner = owner_of(body)
    task = context.cache.get(owner[0]) if owner is not None else None
    return bool(task and task.get("spec", {}).get("suspend"))
