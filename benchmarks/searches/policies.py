"""Three ways to find the environments of a repository's instances: what an instance does next.

``Groups`` asks the operator's own functions, with EnvBuilds in its cache whose statuses the simulation writes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from instances import Instance

from swefoundry.api import labels
from swefoundry.api.resource import EnvBuild, parse_env_build
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.controllers.envbuild.leader import find_leader, find_trial, is_unlikely
from swefoundry.controllers.envbuild.search_coordination import EnvBuildContext
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.drafts.proven_environment import EnvironmentRecord, ReuseCandidate, nearest_environments
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import Key
from swefoundry.settings import Settings
from swefoundry.workloads.pod_limiter import PodLimiter

MAX_IMAGES = 2
DIGEST = "sha256:" + 64 * "0"
DRAFT = Draft(dockerfile="FROM a\n", test_command="t")


@dataclass(frozen=True)
class Reuse:
    """Try the image of another instance."""

    image: str


@dataclass(frozen=True)
class Build:
    """Build the next draft."""


Action = Reuse | Build | None
"""None: wait."""


class Policy(Protocol):
    """Decides, and is told what became of it."""

    def next(self, instance: Instance) -> Action:
        """What the instance does next."""

    def record(self, instance: Instance, image: str | None, outcome: RoundOutcome | None) -> None:
        """A round began (no outcome) or ended; ``image``: the reused one, or the one that was built."""


@dataclass
class RecipeAlone:
    """Each instance builds its own."""

    def next(self, instance: Instance) -> Action:
        """A draft."""
        return Build()

    def record(self, instance: Instance, image: str | None, outcome: RoundOutcome | None) -> None:
        """Nothing depends on it."""


@dataclass
class ProvenImages:
    """The proven images, and which of them an instance has tried."""

    entries: list[ReuseCandidate] = field(default_factory=list)
    tried: dict[str, set[str]] = field(default_factory=dict)

    def add(self, instance: Instance, image: str) -> None:
        """Record an environment."""
        known = EnvironmentRecord(
            repo="owner/name",
            image=image,
            source=DIGEST,
            draft=DIGEST,
            layout=instance.layout,
            created_at=instance.created_at,
        )
        self.entries.append(ReuseCandidate(known=known, draft=DRAFT))

    def nearest(self, instance: Instance, unfit: frozenset[str] = frozenset()) -> ReuseCandidate | None:
        """The nearest image that may be tried."""
        tried = self.tried.get(instance.name, set())
        left = [item for item in self.entries if item.known.image not in tried | unfit]
        number = MAX_IMAGES - len(tried)
        near = nearest_environments(left, "", None, instance.created_at, number) if number > 0 else []
        return near[0] if near else None


@dataclass
class OneLeader:
    """The policy of f3b3550: one search per repository; all others wait for it, then try its image."""

    wake: Callable[[str], None]
    names: list[str]
    proven: ProvenImages = field(default_factory=ProvenImages)
    begun: set[str] = field(default_factory=set)
    ended: set[str] = field(default_factory=set)
    waiting: dict[str, None] = field(default_factory=dict)

    def next(self, instance: Instance) -> Action:
        """The nearest image at once; a draft only when no unfinished instance goes first."""
        near = self.proven.nearest(instance)
        if near is not None and instance.name not in self.begun:
            self.proven.tried.setdefault(instance.name, set()).add(near.known.image)
            return Reuse(near.known.image)
        first = [name for name in self.names if name not in self.ended and name < instance.name]
        if instance.name not in self.begun and (first or self.begun - self.ended):
            self.waiting[instance.name] = None
            return None
        self.begun.add(instance.name)
        return Build()

    def record(self, instance: Instance, image: str | None, outcome: RoundOutcome | None) -> None:
        """An end lets all that wait go on."""
        if outcome is not RoundOutcome.ACCEPTED:
            return
        if instance.name in self.begun and image is not None:
            self.proven.add(instance, image)
        self.ended.add(instance.name)
        waiting, self.waiting = self.waiting, {}
        for name in waiting:
            self.wake(name)


class Groups:
    """The operator's policy: one search per group, side by side."""

    def __init__(self, wake: Callable[[str], None], limiter: PodLimiter, instances: list[Instance]) -> None:
        queue: Any = _Queue(wake)
        self.context = EnvBuildContext(_NONE, _NONE, Cache(), queue, limiter, Settings())
        self.proven = ProvenImages()
        self.rounds: dict[str, list[dict[str, Any]]] = {item.name: [] for item in instances}
        self.version = 0
        self.groups: dict[str, EnvironmentGroup] = {}

    def next(self, instance: Instance) -> Action:
        """In the order of the operator's rules: a likely image, the leader, an unlikely image, a draft."""
        build = self._put(instance)
        coordination = self.context.coordination
        own = EnvironmentGroup(layout=instance.layout, created_at=instance.created_at)
        group = self.groups[instance.name] = coordination.assign_group(build, own)
        begun = coordination.is_leader(build.uid)
        near = self.proven.nearest(instance, coordination.search_index.unfit_images(build.spec.repo, group))
        unlikely = near is not None and is_unlikely(near, group, build.spec.repo, self.context)
        if begun or (near is not None and not unlikely):
            leader = None
        elif near is not None:
            leader = find_trial(build, group, near.known.image, self.context)
        else:
            leader = find_leader(build, group, self.context)
        if leader is not None:
            coordination.wait_for_leader(build, leader.reason)
            return None
        if near is None or unlikely:
            coordination.become_leader(build)
        if near is None:
            return Build()
        self.proven.tried.setdefault(instance.name, set()).add(near.known.image)
        return Reuse(near.known.image)

    def record(self, instance: Instance, image: str | None, outcome: RoundOutcome | None) -> None:
        """Write the round into the status."""
        rounds = self.rounds[instance.name]
        if outcome is None:
            parent = {"parent": {"image": image, "source": DIGEST}} if image is not None else {}
            rounds.append({"number": len(rounds) + 1, "strategy": "recipe", "draft": DIGEST} | parent)
        else:
            rounds[-1] = rounds[-1] | {"image": image or DIGEST, "outcome": outcome.value}
            if outcome is RoundOutcome.ACCEPTED and "parent" not in rounds[-1] and image is not None:
                self.proven.add(instance, image)
        self._put(instance, ended=outcome is RoundOutcome.ACCEPTED)

    def built(self, instance: Instance) -> None:
        """The build of the open round has ended."""
        rounds = self.rounds[instance.name]
        rounds[-1] = rounds[-1] | {"image": DIGEST}
        self._put(instance)

    def _put(self, instance: Instance, ended: bool = False) -> EnvBuild:
        self.version += 1
        group = self.groups.get(instance.name)
        status = {"rounds": self.rounds[instance.name]} | (
            {"environmentGroup": group.to_json_dict()} if group is not None else {}
        )
        body = {
            "apiVersion": labels.API_VERSION,
            "kind": "EnvBuild",
            "metadata": {
                "namespace": "batch",
                "name": instance.name,
                "uid": instance.name,
                "resourceVersion": str(self.version),
                "creationTimestamp": "2026-01-01T00:00:00Z",
            },
            "spec": {"repo": "owner/name", "source": {"artifact": {"digest": DIGEST}}},
            "status": status | ({"finishedAt": "2026-01-01T01:00:00Z"} if ended else {}),
        }
        self.context.cache.put(body)
        return parse_env_build(body)


_NONE: Any = None


@dataclass
class _Queue:
    wake: Callable[[str], None]

    def add(self, key: Key) -> None:
        self.wake(key.name)
