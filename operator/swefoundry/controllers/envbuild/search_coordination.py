"""SearchCoordination: what the reconciles of EnvBuilds share in memory, so that concurrent searches respect each other.

Nothing of it is stored. After a restart groups, leaders and trials follow from statuses, usage from the cache, and the
EnvBuilds that wait register again at their next reconcile.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from swefoundry.api.resource import EnvBuild
from swefoundry.controllers.envbuild.indexed_search import IndexedSearch
from swefoundry.controllers.envbuild.search_index import SearchIndex
from swefoundry.controllers.envbuild.search_state import WaitReason
from swefoundry.controllers.envbuild.search_waiters import SearchWaiters
from swefoundry.controllers.envbuild.usage_index import UsageIndex
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.kube.cache import Cache
from swefoundry.kube.resources import BUILDS, ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext

MAX_FAILED_DRAFTS = 3
"""A leader with so many failed drafts of its own is not waited for while there is a free build place: its commit may be
the difficult one. Most environments that a recipe finds take fewer, and each further leader costs builds.
"""


class SearchCoordination:
    """The leaders of searches, the EnvBuilds that wait for them, and the budgets that all share."""

    def __init__(self, cache: Cache, wake: Callable[[Key], None]) -> None:
        self.budget_lock = asyncio.Lock()
        """Held from checking the shared budgets for models until the agent pod is created."""
        self.usage_index = UsageIndex(cache, wake)
        self.search_index = SearchIndex(cache, self._on_search_change)
        self._waiters = SearchWaiters(wake)

    def is_leader(self, uid: str) -> bool:
        """Whether the EnvBuild has started a search of its own; its status may not show it yet."""
        return self.search_index.is_marked(uid)

    def become_leader(self, build: EnvBuild) -> None:
        """Mark this EnvBuild as leader in memory, before its status is written.

        A concurrent reconcile of another EnvBuild would otherwise start a second search.
        """
        self.search_index.mark_begun(_key(build), build.uid)

    def assign_group(self, build: EnvBuild, own: EnvironmentGroup) -> EnvironmentGroup:
        """The group of an EnvBuild; ``own`` is the one that it founds when no known one is near."""
        return self.search_index.assign_group(_key(build), build.uid, own)

    def wait_for_leader(self, build: EnvBuild, reason: WaitReason = WaitReason.GROUP) -> None:
        """Enqueue ``build`` when what it waits for has happened.

        That is the end of a leader of its group, or of any EnvBuild of the repository as a last resort.
        """
        key = _key(build)
        group = None if reason is WaitReason.LAST_RESORT else self.search_index.group(key)
        self._waiters.add(key, (build.spec.repo, group), for_place=reason is WaitReason.BUILD_PLACE)

    def stop_waiting(self, build: EnvBuild) -> None:
        """Enqueue ``build`` no more: it does not wait any longer."""
        self._waiters.discard(_key(build))

    def release_leadership(self, build: EnvBuild) -> None:
        """End the leadership of an EnvBuild that ended or is suspended: no other waits for it any longer."""
        key = _key(build)
        led = key in self.search_index.leaders(build.spec.repo)
        self._waiters.discard(key)
        if led:
            self._wake(build.spec.repo, self.search_index.group(key))
        self.search_index.forget(key, build.uid)

    def on_deleted(self, body: ApiObject) -> None:
        """Forget an EnvBuild that was deleted; that it is gone from the cache has let its waiters go on."""
        meta = body["metadata"]
        key = Key(BUILDS.kind, meta["namespace"], meta["name"])
        self._waiters.discard(key)
        self.search_index.forget(key, meta["uid"])

    def state_sections(self, limit: int) -> dict[str, dict[str, object]]:
        """State for people who debug it: leaders and waiters, and the usage of models."""
        leaders = sorted(f"{key.namespace}/{key.name}" for key in self.search_index.marked_keys())
        return {
            "searches": {"leaders": leaders} | self._waiters.snapshot(limit),
            "usage": self.usage_index.snapshot(limit),
        }

    def _on_search_change(self, old: IndexedSearch | None, new: IndexedSearch | None) -> None:
        """Enqueue those whose wait ends with this change."""
        if old is None:
            return
        left = old.leads and (new is None or not new.leads)
        tried = old.tries is not None and (new is None or new.ended)
        if left or tried or (new is not None and _just_failed(old, new)):
            self._wake(old.repo, old.group)
        if new is None or (new.ended and not old.ended):
            self._waiters.wake_group(old.repo, None)
        if left or (old.unbuilt and (new is None or not new.unbuilt)):
            self._waiters.wake_next_for_place()

    def _wake(self, repo: str, group: EnvironmentGroup | None) -> None:
        """Enqueue those that wait for a leader. One that has no group, of the release before, is waited for by all."""
        if group is None:
            self._waiters.wake_repo(repo)
        else:
            self._waiters.wake_group(repo, group)


def _just_failed(old: IndexedSearch, new: IndexedSearch) -> bool:
    return old.failed_drafts < MAX_FAILED_DRAFTS <= new.failed_drafts


def _key(build: EnvBuild) -> Key:
    return Key(BUILDS.kind, build.namespace, build.name)


@dataclass
class EnvBuildContext(ReconcileContext):
    """Dependencies of an EnvBuild's reconcile: those of every reconcile, and the coordination of searches."""

    coordination: SearchCoordination = field(init=False)

    def __post_init__(self) -> None:
        """Create the coordination, whose usage index follows the cache from its first object on."""
        super().__post_init__()
        self.coordination = SearchCoordination(self.cache, self.queue.add)
