"""Index of the searches of each repository: groups, leaders, and how images did in each group.

Every change of the cache updates it, so that it equals a scan of all EnvBuilds; a scan at each reconcile would cost a
batch of n commits of one repository n². What was decided and is not in a status yet is added by `mark_begun` and
`assign_group`: nothing is lost with it, because nothing was done yet that depends on it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from swefoundry.contracts.digests import Digest
from swefoundry.controllers.envbuild.indexed_search import IndexedSearch, index_search
from swefoundry.drafts.environment_group import EnvironmentGroup, choose_group
from swefoundry.kube.cache import Cache, key_of
from swefoundry.kube.resources import BUILDS, ApiObject
from swefoundry.kube.workqueue import Key

OnChange = Callable[[IndexedSearch | None, IndexedSearch | None], None]
"""Called with the state before and after a change."""

IndexKey = TypeVar("IndexKey")
Counted = TypeVar("Counted")
GroupOfRepo = tuple[str, EnvironmentGroup]


class SearchIndex:
    """EnvBuilds by what the searches of a repository have to know of each other."""

    def __init__(self, cache: Cache, on_change: OnChange) -> None:
        self._cache = cache
        self._on_change = on_change
        self._searches: dict[Key, IndexedSearch] = {}
        self._leaders: defaultdict[str, dict[Key, IndexedSearch]] = defaultdict(dict)
        self._groups: defaultdict[str, Counter[EnvironmentGroup]] = defaultdict(Counter)
        self._fit: defaultdict[GroupOfRepo, Counter[Digest]] = defaultdict(Counter)
        self._unfit: defaultdict[GroupOfRepo, Counter[Digest]] = defaultdict(Counter)
        self._trying: defaultdict[tuple[str, Digest], dict[Key, IndexedSearch]] = defaultdict(dict)
        self._built: dict[tuple[str, Digest], EnvironmentGroup] = {}
        self._awaiting_place: set[Key] = set()
        self._marked: set[str] = set()
        self._assigned: dict[str, EnvironmentGroup] = {}
        cache.subscribe(self._on_cache_change)

    def is_marked(self, uid: str) -> bool:
        """Whether the EnvBuild was marked as begun; its status may not show it yet."""
        return uid in self._marked

    def mark_begun(self, key: Key, uid: str) -> None:
        """Count the search as begun from now on."""
        self._marked.add(uid)
        self._update(key)

    def assign_group(self, key: Key, uid: str, own: EnvironmentGroup) -> EnvironmentGroup:
        """The group of an EnvBuild: the one that it has, else the nearest known one, else a new one."""
        search = self._searches.get(key)
        if search is not None and search.group is not None:
            return search.group
        group = choose_group(own, self._groups[search.repo] if search is not None else ())
        self._assigned[uid] = group
        self._update(key)
        return group

    def forget(self, key: Key, uid: str) -> None:
        """Drop what is not derived from the status."""
        self._marked.discard(uid)
        self._assigned.pop(uid, None)
        self._update(key)

    def group(self, key: Key) -> EnvironmentGroup | None:
        """The group of an EnvBuild; None before its facts were read."""
        search = self._searches.get(key)
        return search.group if search is not None else None

    def leaders(self, repo: str) -> dict[Key, IndexedSearch]:
        """The searches of a repository that have begun and not ended, by key."""
        return self._leaders.get(repo, {})

    def trying(self, repo: str, image: Digest) -> dict[Key, IndexedSearch]:
        """The EnvBuilds of a repository that try a proven image now, by key."""
        return self._trying.get((repo, image), {})

    def built_for(self, repo: str, image: Digest) -> EnvironmentGroup | None:
        """The group that an image was built for; None when that is not known."""
        return self._built.get((repo, image))

    def was_accepted(self, repo: str, image: Digest, group: EnvironmentGroup) -> bool:
        """Whether the image was accepted for an EnvBuild of the group."""
        return image in self._fit.get((repo, group), {})

    def unfit_images(self, repo: str, group: EnvironmentGroup) -> frozenset[Digest]:
        """Images that did not fit an EnvBuild of the group, and were accepted for none."""
        fit = self._fit.get((repo, group), Counter())
        return frozenset(image for image in self._unfit.get((repo, group), ()) if image not in fit)

    @property
    def awaiting_place(self) -> int:
        """Number of searches that will ask for a build place, or have done so, and have no pod."""
        return len(self._awaiting_place)

    def marked_keys(self) -> list[Key]:
        """The searches that were marked as begun, for people."""
        return [key for key, search in self._searches.items() if search.uid in self._marked]

    def _on_cache_change(self, body: ApiObject) -> None:
        if body["kind"] == BUILDS.kind:
            self._update(key_of(body))

    def _update(self, key: Key) -> None:
        old = self._searches.pop(key, None)
        if old is not None:
            self._count(key, old, -1)
        body = self._cache.get(key)
        new = self._with_marks(index_search(body)) if body is not None else None
        if new is not None:
            self._searches[key] = new
            self._count(key, new, 1)
        self._on_change(old, new)

    def _with_marks(self, search: IndexedSearch) -> IndexedSearch:
        marked = search.uid in self._marked and not search.ended
        return replace(
            search,
            group=search.group or self._assigned.get(search.uid),
            begun=search.begun or marked,
            awaits_place=search.awaits_place or (marked and not search.begun and search.tries is None),
        )

    def _count(self, key: Key, search: IndexedSearch, change: int) -> None:
        """Add what is known of a search to the totals, or take it away."""
        if search.leads:
            _set(self._leaders, search.repo, key, search, change)
        if search.tries is not None:
            _set(self._trying, (search.repo, search.tries), key, search, change)
        if search.awaits_place and change > 0:
            self._awaiting_place.add(key)
        else:
            self._awaiting_place.discard(key)
        if search.group is None:
            return
        _add(self._groups, search.repo, search.group, change)
        for image, accepted in search.trials:
            _add(self._fit if accepted else self._unfit, (search.repo, search.group), image, change)
        if search.built is not None and change > 0:
            self._built[search.repo, search.built] = search.group
        elif search.built is not None:
            self._built.pop((search.repo, search.built), None)


def _set(
    index: dict[IndexKey, dict[Key, IndexedSearch]],
    under: IndexKey,
    key: Key,
    search: IndexedSearch,
    change: int,
) -> None:
    if change > 0:
        index[under][key] = search
        return
    del index[under][key]
    if not index[under]:
        del index[under]


def _add(index: dict[IndexKey, Counter[Counted]], under: IndexKey, item: Counted, change: int) -> None:
    counter = index[under]
    counter[item] += change
    if not counter[item]:
        del counter[item]
    if not counter:
        del index[under]
