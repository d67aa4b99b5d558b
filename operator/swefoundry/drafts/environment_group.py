"""Groups of instances of one repository that probably share an environment. Pure.

::

    same manifests and lockfiles                        one group: they need the same environment
    same layout, at most two years apart                one group: dependencies are resolved as of about the same time
    src/ instead of a flat tree, or another era         two groups: the image of one seldom does for the other

A group is represented by the instance that it was founded with, so that it does not move when further ones join it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from pydantic import AwareDatetime, Field

from swefoundry.contracts.facts import Facts
from swefoundry.contracts.wire import WireModel

ERA = timedelta(days=730)
"""Most time between two commits of one era: releases of a small library reuse each other's images for about so long,
and a proven draft is a hint for the same time.
"""

SOURCE_FOLDERS = ("src", "lib")
FLAT = "flat"


class EnvironmentGroup(WireModel):
    """What the instances of a group have in common with the one that it was founded with."""

    layout: str | None = Field(
        default=None,
        max_length=16,
        description="Where the packages are: `src`, `lib`, or `flat` for the root; absent: not known.",
    )
    created_at: AwareDatetime | None = Field(
        default=None, description="Date of the commit; absent: not known."
    )
    fingerprint: str | None = Field(
        default=None, max_length=64, description="Hash over manifests, lockfiles and toolchain files."
    )

    def __str__(self) -> str:
        """The group, for people: `layout src, about 2023-06`."""
        era = f"about {self.created_at:%Y-%m}" if self.created_at is not None else ""
        layout = f"layout {self.layout}" if self.layout is not None else ""
        return ", ".join(filter(None, (layout, era))) or "date not known"


def found_group(facts: Facts, created_at: datetime | None) -> EnvironmentGroup:
    """The group that an instance founds when it belongs to none that is known."""
    return EnvironmentGroup(
        layout=source_layout(facts.package_dirs), created_at=created_at, fingerprint=facts.fingerprint or None
    )


def source_layout(package_dirs: Sequence[str]) -> str:
    """Where the packages of a tree are. Tests at the root may be a package, too, so a source folder decides."""
    folders = {path.partition("/")[0] for path in package_dirs if "/" in path}
    return next((name for name in SOURCE_FOLDERS if name in folders), FLAT)


def choose_group(own: EnvironmentGroup, known: Iterable[EnvironmentGroup]) -> EnvironmentGroup:
    """The nearest of the known groups that ``own`` probably shares an environment with; else ``own`` itself."""

    def distance(group: EnvironmentGroup) -> tuple[bool, timedelta, str]:
        return not _same_fingerprint(own, group), _time_between(own, group), group.to_json()

    return min((group for group in known if likely_share(own, group)), key=distance, default=own)


def likely_share(one: EnvironmentGroup, other: EnvironmentGroup) -> bool:
    """Whether the image of one probably does for the other. What is not known does not separate them."""
    if _same_fingerprint(one, other):
        return True
    if None not in (one.layout, other.layout) and one.layout != other.layout:
        return False
    return _time_between(one, other) <= ERA


def _same_fingerprint(one: EnvironmentGroup, other: EnvironmentGroup) -> bool:
    return one.fingerprint is not None and one.fingerprint == other.fingerprint


def _time_between(one: EnvironmentGroup, other: EnvironmentGroup) -> timedelta:
    if one.created_at is None or other.created_at is None:
        return timedelta()
    return abs(one.created_at - other.created_at)
