"""Which interpreters and which dates are worth trying, best first.

A rung is a base image and the day as of which dependencies are resolved. Two facts shape the order: a project runs on
the interpreters that existed when it was written, and packages get wheels for an interpreter only some months after it
appeared. So the day is shortly after the change, yet never earlier than the interpreter's first wheels.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet

Version = tuple[int, int]

RELEASED: dict[Version, date] = {
    (3, 6): date(2016, 12, 23),
    (3, 7): date(2018, 6, 27),
    (3, 8): date(2019, 10, 14),
    (3, 9): date(2020, 10, 5),
    (3, 10): date(2021, 10, 4),
    (3, 11): date(2022, 10, 24),
    (3, 12): date(2023, 10, 2),
    (3, 13): date(2024, 10, 7),
    (3, 14): date(2025, 10, 7),
}
"""First releases; uv cannot install for anything older."""

BRINGS_UV: Version = (3, 8)
"""From this interpreter on pip can install uv beside it; older ones get it from another base image."""

DEFAULT_BASES = ("python:3.11-slim",)
FIRST_WHEELS = timedelta(days=270)
"""By then most packages had wheels for a new interpreter, or releases that build on it."""
SHORTLY_AFTER = timedelta(days=45)
YEAR = timedelta(days=365)
ANY_DAY = date(2099, 1, 1)
"""A limit for one distribution that lifts the general one."""


@dataclass(frozen=True)
class Rung:
    """One step of the ladder."""

    base: str
    python: Version
    until: date | None
    """Dependencies as of this day; None: the newest."""
    then: bool = False
    """The project's own requirements as of the change itself; only the rest (pytest, …) as of the later day."""


def version_in(image: str) -> Version | None:
    """(3, 11) for `registry/library/python:3.11-slim`."""
    match = re.search(r"python[^/]*?:(\d+)\.(\d+)", image) or re.search(r"python-?(\d)\.(\d+)", image)
    return (int(match[1]), int(match[2])) if match else None


def usable_bases(images: Sequence[str], requires: str | None) -> list[tuple[str, Version]]:
    """Bases with an interpreter that the project allows; when it allows none of them, all: bounds may be too tight."""
    known = [(image, version_in(image) or (3, 11)) for image in images or DEFAULT_BASES]
    fit = [(image, version) for image, version in known if _allowed(version, requires)]
    return fit or known


def _allowed(version: Version, requires: str | None) -> bool:
    try:
        specifier = SpecifierSet(requires or "")
    except InvalidSpecifier:
        return True
    major, minor = version
    return version in RELEASED and any(specifier.contains(f"{major}.{minor}.{patch}") for patch in (0, 9, 99))


@dataclass(frozen=True)
class Times:
    """What the order of the rungs depends on besides the base images."""

    created: date | None
    named: tuple[Version, ...] = ()
    """Interpreters that the project names."""
    requires: bool = True
    """The project has requirements of its own that could be dated apart."""
    carries_pytest: bool = False
    """pytest itself imports the project: only a pytest of its time goes with it."""


def rungs(bases: Iterable[tuple[str, Version]], times: Times) -> list[Rung]:
    """The ladder: the fitting interpreter shortly after the change, its neighbours, then later days."""
    ordered = by_fitness(bases, times)
    if times.created is None:
        return [Rung(base, python, None) for base, python in ordered]
    first = [Rung(base, python, earliest(python, times.created)) for base, python in ordered]
    best, *others = first
    later = [_later(rung, years) for years in (1.0, 2.5) for rung in first]
    undated = [Rung(rung.base, rung.python, None) for rung in first]
    same = [rung for rung in later if rung.base == best.base]
    rest = [rung for rung in later if rung.base != best.base]
    apart, whole = _old(first, times)
    near = [*apart[:1], best, *apart[1:], *others[:1], *same[:1], *whole, undated[0]]
    start = [*whole, *apart] if times.carries_pytest else []
    return list(dict.fromkeys([*start, *near, *others[1:], *same[1:], *rest, *undated[1:]]))


def _old(first: list[Rung], times: Times) -> tuple[list[Rung], list[Rung]]:
    """Rungs for changes well before the interpreter's first wheels: own requirements, and all, as of the change."""
    day = (times.created or date.min) + SHORTLY_AFTER
    older = [rung for rung in first[:2] if rung.until is not None and rung.until - day > SHORTLY_AFTER]
    apart = [replace(rung, then=True) for rung in older if times.requires]
    return apart, [replace(rung, until=day) for rung in older[:1]]


def by_fitness(bases: Iterable[tuple[str, Version]], times: Times) -> list[tuple[str, Version]]:
    """The newest interpreter that was known at the time comes first, then older ones, then the ones it never saw."""
    known = sorted(bases, key=lambda base: base[1], reverse=True)
    past = [base for base in known if times.created is None or _was_known(base[1], times)]
    future = sorted((base for base in known if base not in past), key=lambda base: base[1])
    return [*past, *future]


def _was_known(python: Version, times: Times) -> bool:
    """It had appeared, and the project names it or packages had had the time to support it."""
    appeared = RELEASED.get(python, date.max - FIRST_WHEELS)
    by_then = times.created or date.max
    if python in times.named:
        return appeared <= by_then
    return appeared + FIRST_WHEELS <= by_then and python <= max(times.named, default=python)


def earliest(python: Version, created: date) -> date:
    """Shortly after the change, yet not before the interpreter's first wheels."""
    return max(created + SHORTLY_AFTER, RELEASED.get(python, created) + FIRST_WHEELS)


def _later(rung: Rung, years: float) -> Rung:
    return replace(rung, until=None if rung.until is None else rung.until + YEAR * years)
