"""Everything a reconcile may touch, made once at start-up and handed down."""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proven_environment import Known, Proven
from swefoundry.kube.api_client import Kube
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import Key, WorkQueue
from swefoundry.oci.proven_index import recall
from swefoundry.oci.registry_client import Registry
from swefoundry.oci.stage_images import compose_stage
from swefoundry.settings import Settings
from swefoundry.workloads.pod_limiter import Slots
from swefoundry.workloads.usage_index import Spending

K = TypeVar("K")
V = TypeVar("V")

FACTS_LIMIT = 8 << 20
"""Bytes of facts.json: a hundred manifests of 64 KiB."""
DRAFT_LIMIT = 1 << 20
REMEMBERED = 512
"""Small blobs and names of stage images kept in memory: siblings of one repository, and repeats of one
evaluation, ask for the same ones.
"""


@dataclass(frozen=True)
class StageOrder:
    """What makes a stage image what it is."""

    repository: str
    image: Digest
    """The task image."""
    layer: Layer
    tag: str = ""
    """Human tag; without one it has a tag of its own, which never moves: verdicts stand on it."""


@dataclass
class ReconcileContext:
    """The doorways, what is known, and the settings."""

    kube: Kube
    registry: Registry
    cache: Cache
    queue: WorkQueue
    slots: Slots
    settings: Settings
    paying: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while shared budgets for models are looked at and an agent pod is made."""
    waiting: dict[str, set[Key]] = field(default_factory=dict)
    """Per repository, the EnvBuilds that wait for another of it to end."""
    spending: Spending = field(init=False)
    leading: set[str] = field(default_factory=set)
    """UIDs of EnvBuilds that have begun a search of their own; their statuses may not say so yet."""
    _blobs: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _stages: OrderedDict[StageOrder, Digest] = field(default_factory=OrderedDict)
    _known: dict[tuple[str, str], Known | None] = field(default_factory=dict)
    """Records of proven environments, some hundred bytes each: as many as there are."""

    def __post_init__(self) -> None:
        """Sums follow the cache from its first object on."""
        self.spending = Spending(self.cache, self.queue.add)

    async def facts(self, repository: str, digest: str) -> Facts:
        """facts.json of an intake."""
        return Facts.model_validate_json(await self._blob(repository, digest, FACTS_LIMIT))

    async def draft(self, repository: str, digest: str) -> Draft:
        """A draft by the digest of its blob."""
        return Draft.model_validate_json(await self._blob(repository, digest, DRAFT_LIMIT))

    async def proven(self, repository: str) -> list[Proven]:
        """Every environment that was proven for a repository: one request, and one for each that is new to us."""
        return await recall(self.registry, repository, self._known)

    async def stage_image(self, order: StageOrder, anew: bool = False) -> Digest:
        """The stage image's digest; composed when it is asked for first, or ``anew``."""
        known = self._stages.get(order)
        if known is not None and not anew:
            return known
        made = await compose_stage(self.registry, order.repository, order.image, order.layer, order.tag)
        _remember(self._stages, order, made)
        return made

    async def _blob(self, repository: str, digest: str, limit: int) -> bytes:
        data = self._blobs.get(digest)
        if data is None:
            data = await self.registry.get_blob(repository, digest, limit)
            _remember(self._blobs, digest, data)
        return data


def _remember(memory: OrderedDict[K, V], key: K, value: V) -> None:
    memory[key] = value
    while len(memory) > REMEMBERED:
        memory.popitem(last=False)
