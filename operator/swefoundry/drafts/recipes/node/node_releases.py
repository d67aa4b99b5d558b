"""Order the releases of Node to try, best first.

A change was written for the long-term release of its time: later ones removed what old tools call, and earlier ones
lack syntax.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from swefoundry.drafts.recipes.recipe_search import LanguageVersion

NODE_RELEASES: dict[int, date] = {
    4: date(2015, 10, 12),
    6: date(2016, 10, 18),
    8: date(2017, 10, 31),
    10: date(2018, 10, 30),
    12: date(2019, 10, 21),
    14: date(2020, 10, 27),
    16: date(2021, 10, 26),
    18: date(2022, 10, 25),
    20: date(2023, 10, 24),
    22: date(2024, 10, 29),
    24: date(2025, 10, 28),
}
"""When each became a long-term release. One that is not here is newer than any change."""

DEFAULT_NODE_BASES = (
    "node:24-slim",
    "node:22-slim",
    "node:20-slim",
    "node:18-slim",
    "node:16-slim",
    "node:14-slim",
    "node:12-slim",
    "node:10-slim",
    "node:8-slim",
    "node:6-slim",
)
"""Where the operator's settings name none."""

DELAY = timedelta(days=45)
"""Dependencies are resolved so long after the change, as Python's are."""


@dataclass(frozen=True)
class NodeCandidate:
    """A base image, its release of Node, and the day as of which dependencies are resolved."""

    base: str
    version: LanguageVersion
    as_of: date | None


@dataclass(frozen=True)
class ReleaseBounds:
    """Which releases of Node a source allows."""

    at_least: LanguageVersion | None = None
    below: LanguageVersion | None = None
    preferred: frozenset[int] = frozenset()
    """Major releases that the source is developed or tested with."""

    def allow(self, version: LanguageVersion) -> bool:
        return (self.at_least is None or version >= self.at_least) and (
            self.below is None or version < self.below
        )


def node_version(image: str) -> LanguageVersion:
    """Return the major version of an image, by its tag; an unknown one counts as the newest."""
    match = re.search(r"node[^/]*?:v?(\d+)", image)
    return (int(match[1]), 0) if match else (99, 0)


def node_candidates(
    images: Sequence[str], bounds: ReleaseBounds, created: date | None
) -> list[NodeCandidate]:
    """Return the best release of the time as of then, the same undated, then later releases, then earlier ones.

    The best is the newest one, or the newest of those that the source is developed with. Those that the source calls
    too old or too new are left out, unless nothing else is left.
    """
    versions = {image: node_version(image) for image in images}
    known = sorted(versions, key=lambda image: versions[image], reverse=True)
    fit = [image for image in known if bounds.allow(versions[image])] or known
    past = [image for image in fit if created is None or _released(versions[image]) <= created]
    future = [image for image in fit if image not in past]
    past.sort(key=lambda image: versions[image][0] not in bounds.preferred)
    order = [*past[:1], *reversed(future), *past[1:]]
    as_of = created + DELAY if created is not None else None
    dated = [NodeCandidate(image, versions[image], as_of) for image in order]
    undated = [NodeCandidate(image, versions[image], None) for image in order[:1]]
    return list(dict.fromkeys([*dated[:1], *undated, *dated[1:]]))


def _released(version: LanguageVersion) -> date:
    return NODE_RELEASES.get(version[0], date.max)
