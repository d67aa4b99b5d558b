"""Dependencies of a reconcile: API client, registry client, caches, queue, pod limiter, settings.

Built once at start-up and passed down.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.mutants import Mutant, MutantList
from swefoundry.drafts.proven_environment import EnvironmentRecord, ProvenEnvironment
from swefoundry.kube.api_client import KubeClient
from swefoundry.kube.cache import Cache
from swefoundry.kube.workqueue import WorkQueue
from swefoundry.oci.base_images import BaseImageLookup, ImageHosts, OpenRegistry
from swefoundry.oci.proven_index import list_environments
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.oci.stage_images import BaseImage, compose_stage_on, read_base_image
from swefoundry.settings import Settings
from swefoundry.workloads.host_backoff import BackoffLimits, HostBackoff
from swefoundry.workloads.pod_limiter import PodLimiter
from swefoundry.workloads.pod_warnings import PodWarnings
from swefoundry.workloads.recent_files import RecentFiles
from swefoundry.workloads.unwritten_statuses import UnwrittenStatuses
from swefoundry.workloads.usage_history import UsageHistory

K = TypeVar("K")
V = TypeVar("V")

FACTS_BLOB_LIMIT_BYTES = 8 << 20
"""Bytes of facts.json: a hundred manifests of 64 KiB."""
DRAFT_BLOB_LIMIT_BYTES = 1 << 20
MUTANTS_BLOB_LIMIT_BYTES = 1 << 20
CACHE_ENTRIES = 512
"""Small blobs that are kept in memory: EnvBuilds of one repository need the same ones."""
BASE_IMAGE_ENTRIES = 64
"""Manifests and configs of task images that are kept in memory, some ten kilobytes each: the five stage images of an
instance are composed of the same ones, and a place that has become free waits for that.
"""
STAGE_IMAGE_ENTRIES = 8192
"""Digests of stage images that are kept in memory, half a kilobyte each: repeats of an evaluation and the verdict need
them, and thousands of instances may be between their probes and their verdict.
"""


@dataclass(frozen=True)
class StageImageRequest:
    """The parts that determine a stage image."""

    repository: str
    image: Digest
    """The task image."""
    layer: Layer
    tag: str = ""
    """Human tag; without one the tag is made of the digest and never moves, because verdicts refer to it."""

    def __str__(self) -> str:
        return f"{self.repository}@{self.image}+{self.layer.digest}:{self.tag}"


@dataclass
class ReconcileContext:
    """The dependencies, and read-through caches of registry content."""

    kube: KubeClient
    registry: RegistryClient
    cache: Cache
    queue: WorkQueue
    pod_limiter: PodLimiter
    settings: Settings
    open_registry: OpenRegistry | None = None
    """Opens the registries of base images; without it none is looked up."""
    base_images: BaseImageLookup = field(init=False)
    pod_warnings: PodWarnings = field(init=False)
    usage_history: UsageHistory = field(default_factory=UsageHistory)
    evidence_files: RecentFiles = field(default_factory=RecentFiles)
    """Records and test results of evaluations, which the verdict needs soon after they are stored."""
    hosts: HostBackoff = field(init=False)
    unwritten: UnwrittenStatuses = field(default_factory=UnwrittenStatuses)
    _blobs: OrderedDict[str, bytes] = field(default_factory=OrderedDict)
    _stage_images: OrderedDict[StageImageRequest, Digest] = field(default_factory=OrderedDict)
    _base_images: OrderedDict[tuple[str, Digest], BaseImage] = field(default_factory=OrderedDict)
    _environment_records: dict[tuple[str, str], EnvironmentRecord | None] = field(default_factory=dict)
    """Records of proven environments, some hundred bytes each: as many as there are."""

    def __post_init__(self) -> None:
        """Create what is kept in memory only."""
        self.pod_warnings = PodWarnings(self.kube)
        self.base_images = BaseImageLookup(image_hosts(self.settings), self.open_registry)
        self.hosts = HostBackoff(backoff_limits(self.settings), self.queue.add)

    async def facts(self, repository: str, digest: str) -> Facts:
        """facts.json of an intake."""
        return Facts.model_validate_json(await self._blob(repository, digest, FACTS_BLOB_LIMIT_BYTES))

    async def draft(self, repository: str, digest: str) -> Draft:
        """A draft by the digest of its blob."""
        return Draft.model_validate_json(await self._blob(repository, digest, DRAFT_BLOB_LIMIT_BYTES))

    async def mutants(self, repository: str, digest: str) -> list[Mutant]:
        """The mutants that an intake stored, in the order of their numbers."""
        content = await self._blob(repository, digest, MUTANTS_BLOB_LIMIT_BYTES)
        return MutantList.model_validate_json(content).mutants

    async def proven_environments(self, repository: str) -> list[ProvenEnvironment]:
        """Every proven environment of a repository: one request, and one more for each that is not cached yet."""
        return await list_environments(self.registry, repository, self._environment_records)

    async def stage_image(self, request: StageImageRequest, refresh: bool = False) -> Digest:
        """The stage image's digest; composed when it is asked for first, or ``refresh``."""
        # The evaluations of a matrix ask for it at the same time.
        async with self.registry.lock(str(request)):
            known = self._stage_images.get(request)
            if known is not None and not refresh:
                return known
            base = await self._base_image(request.repository, request.image, refresh)
            digest = await compose_stage_on(
                self.registry, request.repository, base, request.layer, request.tag
            )
            _put_bounded(self._stage_images, request, digest, STAGE_IMAGE_ENTRIES)
        return digest

    async def _base_image(self, repository: str, image: Digest, refresh: bool) -> BaseImage:
        async with self.registry.lock(f"{repository}@{image}"):
            base = self._base_images.get((repository, image))
            if base is None or refresh:
                base = await read_base_image(self.registry, repository, image)
                _put_bounded(self._base_images, (repository, image), base, BASE_IMAGE_ENTRIES)
        return base

    def cache_counts(self) -> dict[str, int]:
        """How many entries the read-through caches of the registry hold."""
        return {
            "blobs": len(self._blobs),
            "baseImages": len(self._base_images),
            "stageImages": len(self._stage_images),
            "environmentRecords": len(self._environment_records),
        }

    async def _blob(self, repository: str, digest: str, limit: int) -> bytes:
        data = self._blobs.get(digest)
        if data is None:
            data = await self.registry.get_blob(repository, digest, limit)
            _put_bounded(self._blobs, digest, data, CACHE_ENTRIES)
        return data


def backoff_limits(settings: Settings) -> BackoffLimits:
    """Limits of the back-off per host."""
    return BackoffLimits(
        first=settings.retry_seconds, longest=settings.max_away_seconds, probe=settings.max_retry_seconds
    )


def image_hosts(settings: Settings) -> ImageHosts:
    """Registries that may be asked for base images."""
    images = [name for names in settings.base_images.values() for name in names]
    return ImageHosts.of(settings.build_mirrors, settings.registry_push, images)


def _put_bounded(memory: OrderedDict[K, V], key: K, value: V, entries: int) -> None:
    memory[key] = value
    while len(memory) > entries:
        memory.popitem(last=False)
