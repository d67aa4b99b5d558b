"""Proven environments, and the selection of those nearest to a requested one.

An *environment* is what one build made. Images that were composed of it for other commits are the same environment
with another checkout: they say where it works, and a new commit is laid over the built image, not over them.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import TypeVar

from packaging.version import InvalidVersion, Version
from pydantic import Field

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.wire import WireModel


class EnvironmentRecord(WireModel):
    """An environment that was accepted on a measured fail2pass; stored as an artifact, never changed."""

    v: int = 1
    repo: str
    """owner/name."""
    image: Digest
    """Manifest digest of the task image."""
    source: Digest
    """Artifact of the clean tree under /testbed in the image."""
    draft: Digest
    """Blob with the draft that built it."""
    fingerprint: str = ""
    """sha256 over manifests, lockfiles and toolchain files."""
    layout: str | None = None
    """Where the packages are; None in a record of the release before."""
    version: str | None = None
    created_at: datetime | None = None
    """Date of the commit."""
    strategy: str = ""
    """Strategy of its draft; `reuse` for an image that was itself composed."""
    parent: Digest | None = None
    """Image that it was composed from."""
    accepted_on: str = "fail2pass"
    env_build: str = ""
    """namespace/name of the EnvBuild: provenance, for people."""
    evidence: dict[str, Digest] = {}
    """Per stage, the evidence of the probe that it was accepted on."""
    experiment: str | None = None


class ReuseStats(WireModel):
    """How often an environment was reused, with which results."""

    accepted: int = 0
    refused: int = 0


class Parent(WireModel):
    """The image that a reuse proposal starts from."""

    image: Digest = Field(description="Digest of its manifest.")
    source: Digest = Field(description="Artifact of the tree that is under its /testbed.")


class ProvenEnvironment(WireModel):
    """An environment record and the results of its reuses."""

    known: EnvironmentRecord
    """The record of the commit for which it was proven; of several, the nearest."""
    trials: ReuseStats = ReuseStats()
    root: Parent | None = None
    """The built image, when that of ``known`` was composed of it."""
    reference: bool = False
    """Imported without its image: its draft may be read, but its image cannot be reused."""

    @property
    def parent(self) -> Parent:
        """The image on which a new checkout is composed."""
        return self.root or Parent(image=self.known.image, source=self.known.source)


class ReuseCandidate(ProvenEnvironment):
    """A proven environment near the requested one, with its draft."""

    draft: Draft


MAX_SURPLUS_REFUSALS = 3
"""With so many more refused reuses than accepted ones an environment is tried last; with more, not at all."""

_BASE = 10_000
"""Base of the positional number: larger than any part of a version that is not a date."""
_NUMBERS = 5

ProvenT = TypeVar("ProvenT", bound=ProvenEnvironment)


def nearest_environments(
    environments: Iterable[ProvenT],
    fingerprint: str,
    version: str | None,
    created_at: datetime | None,
    k: int,
) -> list[ProvenT]:
    """Return the ``k`` best environments, each once: those with the same fingerprint first, then by distance.

    Distance is that of versions where both are known, else that of dates, in both directions: the environment of a
    later release is as good as that of an earlier one. Environments without an image come last.
    """

    def rank(item: ProvenT) -> tuple[bool, bool, bool, int, float, float, str]:
        known = item.known
        same = bool(fingerprint) and known.fingerprint == fingerprint
        apart, days = (
            _version_distance(known.version, version),
            _distance_in_days(known.created_at, created_at),
        )
        kind = 0 if apart is not None else 1 if days is not None else 2
        far = float("inf")
        return (
            item.reference,
            _surplus(item.trials) >= MAX_SURPLUS_REFUSALS,
            not same,
            kind,
            far if apart is None else apart,
            far if days is None else days,
            known.image,
        )

    ranked = sorted(
        (item for item in environments if _surplus(item.trials) <= MAX_SURPLUS_REFUSALS), key=rank
    )
    distinct: dict[Digest, ProvenT] = {}
    for item in ranked:
        distinct.setdefault(item.parent.image, item)
    return list(distinct.values())[:k]


def with_built_images(entries: Sequence[EnvironmentRecord]) -> list[ProvenEnvironment]:
    """Pair each record with the built image under it: its own, or the one that a chain of reuses leads to."""
    by_image = {known.image: known for known in entries}
    found = []
    for known in entries:
        root, passed = known, {known.image}
        while root.parent is not None and root.parent in by_image and root.parent not in passed:
            root = by_image[root.parent]
            passed.add(root.image)
        parent = Parent(image=root.image, source=root.source)
        found.append(ProvenEnvironment(known=known, root=None if root is known else parent))
    return found


def _surplus(trials: ReuseStats) -> int:
    return trials.refused - trials.accepted


def _version_distance(one: str | None, other: str | None) -> float | None:
    """Return the distance of two versions; None when one is not a version."""
    first, second = _version_number(one), _version_number(other)
    return None if first is None or second is None else float(abs(first - second))


@lru_cache(maxsize=4096)
def _version_number(text: str | None) -> int | None:
    """Convert a version to one number, so that 8.9 is nearer to 9.0 than to 9.5.

    Accepts `v8.1`, `release-8.1`, `8.1.x`.
    """
    found = re.search(r"\d+(?:\.\d+)*", text or "")
    if found is None:
        return None
    try:
        release = Version(text or "").release
    except InvalidVersion:
        release = tuple(map(int, found[0].split(".")))
    numbers = (*release, *[0] * _NUMBERS)[:_NUMBERS]
    value = 0
    for number in numbers:
        value = value * _BASE + number
    return value


def _distance_in_days(one: datetime | None, other: datetime | None) -> float | None:
    return None if one is None or other is None else abs((one - other).total_seconds()) / 86_400
