"""Which interpreters and which dates are worth trying, best first.

A rung is a base image and the day as of which dependencies are resolved. Two facts shape the order: a project runs on
the interpreters that existed when it was written, and packages get wheels for an interpreter only some months after it
appeared. So the day is shortly after the change, yet never earlier than the interpreter's first wheels.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet

Version = tuple[int, int]

RELEASED: dict[Version, date] = {
    (3, 8): date(2019, 10, 14),
    (3, 9): date(2020, 10, 5),
    (3, 10): date(2021, 10, 4),
    (3, 11): date(2022, 10, 24),
    (3, 12): date(2023, 10, 2),
    (3, 13): date(2024, 10, 7),
    (3, 14): date(2025, 10, 7),
}
"""First releases; an interpreter older than the first has no uv and is not used."""

DEFAULT_BASES = ("python:3.11-slim",)
FIRST_WHEELS = timedelta(days=270)
"""By then most packages had wheels for a new interpreter, or releases that build on it."""
SHORTLY_AFTER = timedelta(days=45)
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Rung:
    """One step of the ladder."""

    base: str
    python: Version
    until: date | None
    """Dependencies as of this day; None: the newest."""


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


def rungs(
    bases: Iterable[tuple[str, Version]], created: date | None, named: Sequence[Version] = ()
) -> list[Rung]:
    """The ladder: the fitting interpreter shortly after the change, its neighbours, then later days."""
    ordered = by_fitness(bases, created, named)
    if created is None:
        return [Rung(base, python, None) for base, python in ordered]
    first = [Rung(base, python, earliest(python, created)) for base, python in ordered]
    best, *others = first
    later = [_later(rung, created, years) for years in (1.0, 2.5) for rung in first]
    undated = [Rung(rung.base, rung.python, None) for rung in first]
    same = [rung for rung in later if rung.base == best.base]
    rest = [rung for rung in later if rung.base != best.base]
    return list(
        dict.fromkeys([best, *others[:1], *same[:1], undated[0], *others[1:], *same[1:], *rest, *undated[1:]])
    )


def by_fitness(
    bases: Iterable[tuple[str, Version]], created: date | None, named: Sequence[Version]
) -> list[tuple[str, Version]]:
    """The newest interpreter that was known at the time comes first, then older ones, then the ones it never saw."""
    known = sorted(bases, key=lambda base: base[1], reverse=True)
    past = [base for base in known if created is None or _was_known(base[1], created, named)]
    future = sorted((base for base in known if base not in past), key=lambda base: base[1])
    return [*past, *future]


def _was_known(python: Version, created: date, named: Sequence[Version]) -> bool:
    released = RELEASED.get(python, date.max)
    return python in named or (released + FIRST_WHEELS <= created and (not named or python <= max(named)))


def earliest(python: Version, created: date) -> date:
    """Shortly after the change, yet not before the interpreter's first wheels."""
    return max(created + SHORTLY_AFTER, RELEASED.get(python, created) + FIRST_WHEELS)


def _later(rung: Rung, created: date, years: float) -> Rung:
    return Rung(rung.base, rung.python, max(earliest(rung.python, created), created) + YEAR * years)
