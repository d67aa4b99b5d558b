"""SearchCoordination: what the reconciles of EnvBuilds share in memory, so that concurrent searches respect each other.

Nothing of it is stored. After a restart leaders follow from statuses, usage from the cache, and the EnvBuilds that wait
register again at their next reconcile.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from swefoundry.api.resource import EnvBuild
from swefoundry.controllers.envbuild.usage_index import UsageIndex
from swefoundry.kube.cache import Cache
from swefoundry.kube.resources import BUILDS, ApiObject
from swefoundry.kube.workqueue import Key
from swefoundry.workloads.context import ReconcileContext


class SearchCoordination:
    """The leaders of searches, the EnvBuilds that wait for them, and the budgets that all share."""

    def __init__(self, cache: Cache, wake: Callable[[Key], None]) -> None:
        self.budget_lock = asyncio.Lock()
        """Held from checking the shared budgets for models until the agent pod is created."""
        self.usage_index = UsageIndex(cache, wake)
        self._cache = cache
        self._wake = wake
        self._leaders: set[str] = set()
        self._waiters: dict[str, set[Key]] = {}

    def is_leader(self, uid: str) -> bool:
        """Whether the EnvBuild has started a search of its own; its status may not show it yet."""
        return uid in self._leaders

    def become_leader(self, build: EnvBuild) -> None:
        """Mark this EnvBuild as leader in memory, before its status is written.

        A concurrent reconcile of another EnvBuild would otherwise start a second search.
        """
        self._leaders.add(build.uid)

    def wait_for_leader(self, build: EnvBuild) -> None:
        """Enqueue ``build`` when another EnvBuild of its repository ends."""
        self._waiters.setdefault(build.spec.repo, set()).add(Key(BUILDS.kind, build.namespace, build.name))

    def release_leadership(self, build: EnvBuild) -> None:
        """End the leadership of an EnvBuild that ended or is suspended: no other waits for it any longer."""
        self._release(build.uid, build.spec.repo)

    def on_deleted(self, body: ApiObject) -> None:
        """End the leadership of an EnvBuild that was deleted."""
        self._release(body["metadata"]["uid"], body.get("spec", {}).get("repo", ""))

    def state_sections(self, limit: int) -> dict[str, dict[str, object]]:
        """State for people who debug it: leaders and waiters, and the usage of models."""
        return {"searches": self._searches(limit), "usage": self.usage_index.snapshot(limit)}

    def _release(self, uid: str, repo: str) -> None:
        """Enqueue the EnvBuilds that wait for one of the repository, and no others.

        Enqueueing all of a repository's EnvBuilds at each end would cost n² reconciles.
        """
        self._leaders.discard(uid)
        for key in self._waiters.pop(repo, ()):
            self._wake(key)

    def _searches(self, limit: int) -> dict[str, object]:
        metas = (body["metadata"] for body in self._cache.bodies(BUILDS.kind))
        leaders = (f"{meta['namespace']}/{meta['name']}" for meta in metas if self.is_leader(meta["uid"]))
        waiting = sorted(self._waiters.items())
        return {
            "leaders": sorted(leaders),
            "waiting": sum(len(keys) for _, keys in waiting),
            "waitingByRepository": {repo: sorted(map(str, keys))[:limit] for repo, keys in waiting[:limit]},
        }


@dataclass
class EnvBuildContext(ReconcileContext):
    """Dependencies of an EnvBuild's reconcile: those of every reconcile, and the coordination of searches."""

    coordination: SearchCoordination = field(init=False)

    def __post_init__(self) -> None:
        """Create the coordination, whose usage index follows the cache from its first object on."""
        super().__post_init__()
        self.coordination = SearchCoordination(self.cache, self.queue.add)
