"""Everything a reconcile may touch, made once at start-up and handed down."""

from collections import OrderedDict
from dataclasses import dataclass, field

from swefoundry.attempts.slots import Slots
from swefoundry.cluster.cache import Cache
from swefoundry.cluster.kube import Kube
from swefoundry.cluster.queue import WorkQueue
from swefoundry.domain.drafts import Draft
from swefoundry.domain.facts import Facts
from swefoundry.settings import Settings
from swefoundry.store.registry import Registry

FACTS_LIMIT = 8 << 20
"""Bytes of facts.json: a hundred manifests of 64 KiB."""
DRAFT_LIMIT = 1 << 20
REMEMBERED = 512
"""Small blobs kept in memory: siblings of one repository ask for the same ones."""


@dataclass
class World:
    """The doorways, what is known, and the settings."""

    kube: Kube
    registry: Registry
    cache: Cache
    queue: WorkQueue
    slots: Slots
    settings: Settings
    _blobs: OrderedDict[str, bytes] = field(default_factory=OrderedDict)

    async def facts(self, repository: str, digest: str) -> Facts:
        """facts.json of an intake."""
        return Facts.model_validate_json(await self._blob(repository, digest, FACTS_LIMIT))

    async def draft(self, repository: str, digest: str) -> Draft:
        """A draft by the digest of its blob."""
        return Draft.model_validate_json(await self._blob(repository, digest, DRAFT_LIMIT))

    async def _blob(self, repository: str, digest: str, limit: int) -> bytes:
        data = self._blobs.get(digest)
        if data is None:
            data = await self.registry.get_blob(repository, digest, limit)
            self._blobs[digest] = data
            while len(self._blobs) > REMEMBERED:
                self._blobs.popitem(last=False)
        return data
