"""The search that an EnvBuild waits for, because its image may make another one unnecessary.

::

    group A   leader ─ recipe, recipe, … ─> accepted, recorded ─> ends, its waiters are enqueued
              others ─ wait ────────────────────────────────────> reuse its image
    group B   leader ─ recipe, … ─> …                              at the same time, while build places are free

One EnvBuild of each group that probably shares an environment leads. A search that has begun waits for no other, so two
searches never wait for each other. Who begins is marked in memory before anything is awaited, and its status says so
before anything is built. Each wait is bounded by `sibling_wait_seconds`.
"""

from datetime import timedelta

from swefoundry.api.resource import EnvBuild
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.strategy_names import REUSE
from swefoundry.controllers.envbuild.indexed_search import IndexedSearch
from swefoundry.controllers.envbuild.observation import Observation
from swefoundry.controllers.envbuild.search_coordination import MAX_FAILED_DRAFTS, EnvBuildContext
from swefoundry.controllers.envbuild.search_state import AwaitedLeader, WaitReason
from swefoundry.controllers.envbuild.strategy_order import may_reuse_image
from swefoundry.drafts.environment_group import EnvironmentGroup, likely_share
from swefoundry.drafts.proven_environment import ReuseCandidate
from swefoundry.kube.cache import owner_of
from swefoundry.kube.resources import ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.attempt import Role
from swefoundry.workloads.context import ReconcileContext

Searches = dict[Key, IndexedSearch]


def may_wait(observed: Observation, context: EnvBuildContext) -> bool:
    """Whether this EnvBuild may wait for another at all: not once it has begun, nor longer than allowed."""
    build = observed.build
    has_begun = context.coordination.is_leader(build.uid) or any(
        item.parent is None for item in build.status.rounds
    )
    named = build.spec.environment.parent_ref is not None
    if has_begun or named or observed.leader_wait_left <= timedelta():
        return False
    return reuses_images(observed)


def reuses_images(observed: Observation) -> bool:
    """Whether images of other EnvBuilds may be tried for this one."""
    settings = observed.settings
    return settings.reuse_neighbours > 0 and may_reuse_image(observed.build.spec.environment, settings)


def find_leader(build: EnvBuild, group: EnvironmentGroup, context: EnvBuildContext) -> AwaitedLeader | None:
    """The leader to wait for before a draft is written from scratch.

    That of the group, unless it has failed too often; and while no build place is free, any whose image may do.
    """
    own, others = _leaders(build, group, context)
    promising = {key: item for key, item in own.items() if item.failed_drafts < MAX_FAILED_DRAFTS}
    if promising:
        return AwaitedLeader(_first(promising))
    rest = own or _of_fitting_groups(others, build.spec.repo, group, context)
    if rest and not free_build_places(context):
        return AwaitedLeader(_first(rest), WaitReason.BUILD_PLACE)
    return None


def find_last_resort(
    build: EnvBuild, group: EnvironmentGroup, context: EnvBuildContext
) -> AwaitedLeader | None:
    """Any leader whose image may do, for an EnvBuild that has nothing else to try: the wait costs nothing."""
    own, others = _leaders(build, group, context)
    leaders = own or _of_fitting_groups(others, build.spec.repo, group, context)
    return AwaitedLeader(_first(leaders), WaitReason.LAST_RESORT) if leaders else None


def find_trial(
    build: EnvBuild, group: EnvironmentGroup, image: Digest, context: EnvBuildContext
) -> AwaitedLeader | None:
    """The EnvBuild of the group to wait for before an unlikely image is tried: its leader, or one that tries it now."""
    own, _ = _leaders(build, group, context)
    trying = context.coordination.search_index.trying(build.spec.repo, image)
    trials = _usable({key: item for key, item in trying.items() if item.group == group}, build, context)
    return AwaitedLeader(_first(own | trials)) if own or trials else None


def is_unlikely(
    candidate: ReuseCandidate, group: EnvironmentGroup, repo: str, context: EnvBuildContext
) -> bool:
    """Whether an image is of another group, and was accepted for none of this one."""
    index, image, known = context.coordination.search_index, candidate.parent.image, candidate.known
    if index.was_accepted(repo, image, group):
        return False
    built_for = index.built_for(repo, image)
    if built_for is not None:
        return built_for != group
    origin = EnvironmentGroup(
        layout=known.layout, created_at=known.created_at, fingerprint=known.fingerprint or None
    )
    return not likely_share(origin, group)


def free_build_places(context: EnvBuildContext) -> int:
    """Build places that neither a pod nor a search that will need one has."""
    return context.pod_limiter.free_places(Role.BUILD, context.coordination.search_index.awaiting_place)


def _leaders(build: EnvBuild, group: EnvironmentGroup, context: EnvBuildContext) -> tuple[Searches, Searches]:
    """Leaders of the group, and those of the other groups of the repository. A group that is not known may be any."""
    searches = _usable(context.coordination.search_index.leaders(build.spec.repo), build, context)
    own = {key: item for key, item in searches.items() if item.group in (group, None)}
    return own, {key: item for key, item in searches.items() if key not in own}


def _of_fitting_groups(
    searches: Searches, repo: str, group: EnvironmentGroup, context: EnvBuildContext
) -> Searches:
    """Without those of groups whose images did not fit this one."""
    index = context.coordination.search_index
    unfit = {index.built_for(repo, image) for image in index.unfit_images(repo, group)}
    return {key: item for key, item in searches.items() if item.group not in unfit}


def _usable(searches: Searches, build: EnvBuild, context: EnvBuildContext) -> Searches:
    """Without the EnvBuild itself, those that are suspended, and those that will leave no image to reuse."""
    usable = {}
    for key, item in searches.items():
        body = context.cache.get(key)
        if body is None or item.uid == build.uid or is_suspended(body, context):
            continue
        if _uses_reuse(body, context.settings):
            usable[key] = item
    return usable


def _first(searches: Searches) -> Key:
    return min(searches, key=lambda key: searches[key].rank)


def _uses_reuse(body: ApiObject, settings: Settings) -> bool:
    environment = body["spec"].get("environment", {})
    named = environment.get("strategies") or ([] if "draft" in environment else settings.strategies)
    return REUSE in named


def is_suspended(body: ApiObject, context: ReconcileContext) -> bool:
    """Whether the TaskInstance that an EnvBuild is made for is suspended."""
    owner = owner_of(body)
    task = context.cache.get(owner[0]) if owner is not None else None
    return bool(task and task.get("spec", {}).get("suspend"))
