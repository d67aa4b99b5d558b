"""Order the interpreters and resolution dates to try, best first.

A candidate is a base image and the day as of which dependencies are resolved. Two facts shape the order: a project runs
on the interpreters that existed when it was written, and packages publish wheels for an interpreter only some months
after its release. So the day is shortly after the change, yet never earlier than the interpreter's first wheels.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet

PythonVersion = tuple[int, int]

RELEASE_DATES: dict[PythonVersion, date] = {
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

FIRST_WITH_UV: PythonVersion = (3, 8)
"""Oldest interpreter whose pip can install uv; older ones copy uv from another base image."""

DEFAULT_BASES = ("python:3.11-slim",)
WHEELS_AFTER_RELEASE = timedelta(days=270)
"""After this time most packages have wheels for a new interpreter, or releases that build on it."""
GRACE_AFTER_COMMIT = timedelta(days=45)
YEAR = timedelta(days=365)
UNDATED = date(2099, 1, 1)
"""A date for one distribution that lifts the general `--exclude-newer`."""


@dataclass(frozen=True)
class Candidate:
    """An interpreter and a resolution date to try."""

    base: str
    python: PythonVersion
    until: date | None
    """Resolve dependencies as of this day; None: the newest."""
    own_as_of_change: bool = False
    """Resolve the project's own requirements as of the change; only the rest (pytest, …) as of the later day."""


def version_in(image: str) -> PythonVersion | None:
    """Return (3, 11) for `registry/library/python:3.11-slim`."""
    match = re.search(r"python[^/]*?:(\d+)\.(\d+)", image) or re.search(r"python-?(\d)\.(\d+)", image)
    return (int(match[1]), int(match[2])) if match else None


def usable_bases(images: Sequence[str], requires: str | None) -> list[tuple[str, PythonVersion]]:
    """Return bases whose interpreter the project allows; all when it allows none, because bounds may be too tight."""
    known = [(image, version_in(image) or (3, 11)) for image in images or DEFAULT_BASES]
    fit = [(image, version) for image, version in known if _is_allowed(version, requires)]
    return fit or known


def _is_allowed(version: PythonVersion, requires: str | None) -> bool:
    try:
        specifier = SpecifierSet(requires or "")
    except InvalidSpecifier:
        return True
    major, minor = version
    return version in RELEASE_DATES and any(
        specifier.contains(f"{major}.{minor}.{patch}") for patch in (0, 9, 99)
    )


@dataclass(frozen=True)
class OrderingFacts:
    """What the order of the candidates depends on besides the base images."""

    created: date | None
    supported_pythons: tuple[PythonVersion, ...] = ()
    """Interpreters that the project names."""
    has_requirements: bool = True
    """The project has requirements of its own that could be resolved as of another day."""
    is_pytest_dependency: bool = False
    """pytest itself imports the project, so only a pytest of the same time works with it."""


def candidates(bases: Iterable[tuple[str, PythonVersion]], facts: OrderingFacts) -> list[Candidate]:
    """Return all candidates: the best interpreter shortly after the change, the next best ones, then later days."""
    ordered = by_fitness(bases, facts)
    if facts.created is None:
        return [Candidate(base, python, None) for base, python in ordered]
    first = [Candidate(base, python, earliest_day(python, facts.created)) for base, python in ordered]
    best, *others = first
    later = [_later_candidate(each, years) for years in (1.0, 2.5) for each in first]
    undated = [Candidate(each.base, each.python, None) for each in first]
    same = [each for each in later if each.base == best.base]
    rest = [each for each in later if each.base != best.base]
    apart, whole = _older_candidates(first, facts)
    near = [*apart[:1], best, *apart[1:], *others[:1], *same[:1], *whole, undated[0]]
    start = [*whole, *apart] if facts.is_pytest_dependency else []
    return list(dict.fromkeys([*start, *near, *others[1:], *same[1:], *rest, *undated[1:]]))


def _older_candidates(
    first: list[Candidate], facts: OrderingFacts
) -> tuple[list[Candidate], list[Candidate]]:
    """Candidates for changes well before the interpreter's first wheels.

    Two lists: with the project's own requirements as of the change, and with all of them.
    """
    day = (facts.created or date.min) + GRACE_AFTER_COMMIT
    older = [each for each in first[:2] if each.until is not None and each.until - day > GRACE_AFTER_COMMIT]
    apart = [replace(each, own_as_of_change=True) for each in older if facts.has_requirements]
    return apart, [replace(each, until=day) for each in older[:1]]


def by_fitness(
    bases: Iterable[tuple[str, PythonVersion]], facts: OrderingFacts
) -> list[tuple[str, PythonVersion]]:
    """Sort: the newest interpreter known at the time of the change, then older ones, then later ones."""
    known = sorted(bases, key=lambda base: base[1], reverse=True)
    past = [base for base in known if facts.created is None or _was_known(base[1], facts)]
    future = sorted((base for base in known if base not in past), key=lambda base: base[1])
    return [*past, *future]


def _was_known(python: PythonVersion, facts: OrderingFacts) -> bool:
    """Whether it was released, and the project names it or packages had time to support it."""
    appeared = RELEASE_DATES.get(python, date.max - WHEELS_AFTER_RELEASE)
    by_then = facts.created or date.max
    if python in facts.supported_pythons:
        return appeared <= by_then
    return appeared + WHEELS_AFTER_RELEASE <= by_then and python <= max(
        facts.supported_pythons, default=python
    )


def earliest_day(python: PythonVersion, created: date) -> date:
    """Return a day shortly after the change, but not before the interpreter's first wheels."""
    return max(created + GRACE_AFTER_COMMIT, RELEASE_DATES.get(python, created) + WHEELS_AFTER_RELEASE)


def _later_candidate(candidate: Candidate, years: float) -> Candidate:
    return replace(candidate, until=None if candidate.until is None else candidate.until + YEAR * years)
