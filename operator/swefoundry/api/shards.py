"""Shards: which of several operators is responsible for an object, and for which part of a limit. Pure.

::

    repository ──sha256──> bucket, 0 to 63 ──modulo the number of shards──> shard
                           label of the object, which the API server filters by

All that must know of each other has one repository: a TaskInstance, its EnvBuild, their pods, the searches that wait
for each other, and the images that are reused. An object keeps its bucket for life, because its repository is
immutable; another number of shards only deals the buckets out anew.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from swefoundry.api import labels
from swefoundry.settings import Settings

BUCKETS = 64
"""Four for each of sixteen shards, the most that were considered: a multiple deals them out evenly, and more would only
make the selectors longer. It never changes, because the labels of objects are made with it."""

BUCKET_VALUES = tuple(map(str, range(BUCKETS)))


def bucket_of(repo: str) -> str:
    """The bucket of a repository (`owner/name`): the same in every process and release."""
    return str(int.from_bytes(hashlib.sha256(repo.encode()).digest()[:8]) % BUCKETS)


def bucket_label(body: Mapping[str, Any]) -> str | None:
    """The bucket in the labels of an object; None when they have none that exists."""
    value = body["metadata"].get("labels", {}).get(labels.BUCKET)
    return value if value in BUCKET_VALUES else None


@dataclass(frozen=True)
class Shard:
    """One of ``count`` operators that share the work."""

    index: int = 0
    """From 0."""
    count: int = 1
    """1: there are no shards, nothing is labelled, and one operator has all objects."""

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The shard that a process with these settings is."""
        return cls(settings.shard, settings.shards)

    def owns(self, bucket: str) -> bool:
        """Whether objects of the bucket are this shard's."""
        return int(bucket) % self.count == self.index

    @property
    def selector(self) -> str:
        """Label selector of what this shard watches; of all shards together, each object matches exactly one.

        The first shard also gets what has no bucket yet, or one that does not exist.
        """
        if self.count == 1:
            return ""
        own = [bucket for bucket in BUCKET_VALUES if self.owns(bucket)]
        if self.index > 0:
            return f"{labels.BUCKET} in ({','.join(own)})"
        others = [bucket for bucket in BUCKET_VALUES if bucket not in own]
        return f"{labels.BUCKET} notin ({','.join(others)})"

    def bucket_labels(self, repo: str) -> dict[str, str]:
        """The label for what the operator creates for an object of the repository."""
        return {labels.BUCKET: bucket_of(repo)} if self.count > 1 else {}

    def part_of(self, limit: int) -> int:
        """This shard's part of a limit; those of all shards add up to it."""
        whole, rest = divmod(limit, self.count)
        return whole + (self.index < rest)
