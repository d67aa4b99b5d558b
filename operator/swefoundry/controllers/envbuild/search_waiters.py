"""EnvBuilds that wait for the search of another, and what enqueues them.

::

    a leader of the group ends, or fails too often   all that wait in the group
    a build place is freed                           the first of those that wait for one, of all repositories

Only those are enqueued: enqueueing all EnvBuilds of a repository at each end would cost n² reconciles.
"""

from collections.abc import Callable

from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.kube.workqueue import Key

GroupWithin = tuple[str, EnvironmentGroup | None]
"""A repository and a group; None where the group is not known."""


class SearchWaiters:
    """The EnvBuilds that wait, in the order in which they began to."""

    def __init__(self, wake: Callable[[Key], None]) -> None:
        self._wake = wake
        self._groups: dict[GroupWithin, dict[Key, None]] = {}
        self._waiting: dict[Key, GroupWithin] = {}
        self._for_place: dict[Key, None] = {}

    def add(self, key: Key, group: GroupWithin, for_place: bool) -> None:
        """Enqueue ``key`` at the next event of its group, and with ``for_place`` when a build place is freed."""
        if self._waiting.get(key) != group:
            self.discard(key)
            self._waiting[key] = group
            self._groups.setdefault(group, {})[key] = None
        if for_place:
            self._for_place.setdefault(key)
        else:
            self._for_place.pop(key, None)

    def discard(self, key: Key) -> None:
        """Forget one that waits no longer."""
        self._for_place.pop(key, None)
        group = self._waiting.pop(key, None)
        if group is None:
            return
        del self._groups[group][key]
        if not self._groups[group]:
            del self._groups[group]

    def wake_group(self, repo: str, group: EnvironmentGroup | None) -> None:
        """Enqueue all that wait in a group; None: those that wait for an EnvBuild of any group."""
        for key in list(self._groups.get((repo, group), ())):
            self._wake_one(key)

    def wake_repo(self, repo: str) -> None:
        """Enqueue all that wait in a repository."""
        for _, group in [item for item in self._groups if item[0] == repo]:
            self.wake_group(repo, group)

    def wake_next_for_place(self) -> None:
        """Enqueue the first that waits for a build place."""
        key = next(iter(self._for_place), None)
        if key is not None:
            self._wake_one(key)

    def _wake_one(self, key: Key) -> None:
        self.discard(key)
        self._wake(key)

    def snapshot(self, limit: int) -> dict[str, object]:
        """State for people who debug it: their number, and at most ``limit`` of them per repository."""
        repos: dict[str, list[str]] = {}
        for key, (repo, _) in self._waiting.items():
            repos.setdefault(repo, []).append(str(key))
        return {
            "waiting": len(self._waiting),
            "waitingByRepository": {repo: sorted(repos[repo])[:limit] for repo in sorted(repos)[:limit]},
        }
