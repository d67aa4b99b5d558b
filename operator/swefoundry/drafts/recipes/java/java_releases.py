"""Order the JDKs to try, best first.

A JDK that the project names (a version file, its CI) is first: build plugins and libraries that read or write classes
know no later one. Else it is the newest that was a year old at the time of the change.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from swefoundry.drafts.recipes.recipe_search import LanguageVersion

JAVA_RELEASES: dict[int, date] = {
    8: date(2014, 3, 18),
    11: date(2018, 9, 25),
    17: date(2021, 9, 14),
    21: date(2023, 9, 19),
    25: date(2025, 9, 16),
}
"""Releases with long-term support. One that is not here is newer than any change."""
ADOPTION = timedelta(days=365)
"""Projects move to a release so long after it came."""

DEFAULT_JAVA_BASES = (
    "maven:3.9-eclipse-temurin-17",
    "maven:3.9-eclipse-temurin-11",
    "maven:3.9-eclipse-temurin-8",
    "maven:3.9-eclipse-temurin-21",
    "maven:3.9-eclipse-temurin-25",
)
"""Where the operator's settings name none."""

_LOWEST_LEVELS = ((20, 8), (12, 7), (9, 6), (0, 1))
"""First releases whose compiler refuses levels of the language below the second number."""
SUPPORTED_LEVEL = 8
"""A level that every release since 8 compiles."""


@dataclass(frozen=True)
class JavaCandidate:
    """A base image with Maven, and its release of Java."""

    base: str
    version: LanguageVersion

    @property
    def has_gradle(self) -> bool:
        """Whether the image is one of Gradle, by its name."""
        return self.base.partition("@")[0].rpartition("/")[2].startswith("gradle")

    @property
    def lowest_level(self) -> int:
        """The oldest level of the language (`source`, `release`) that the compiler takes."""
        return next(level for first, level in _LOWEST_LEVELS if self.version[0] >= first)


def java_candidate(image: str) -> JavaCandidate:
    """Return the candidate of an image, by its tag; one of unknown version counts as the newest."""
    tag = image.partition("@")[0].rpartition("/")[2].partition(":")[2]
    named = re.search(
        r"(?:jdk|temurin|corretto|zulu|semeru|sapmachine|liberica|microsoft|ibmjava)-?(\d+)", tag
    )
    return JavaCandidate(image, (int(named[1]), 0) if named else (99, 0))


def java_candidates(
    images: Sequence[str], at_least: int | None, named: Collection[int], created: date | None
) -> list[JavaCandidate]:
    """Return the newest JDK that the project names, the newest of the time, later ones, then earlier ones.

    Those that the project calls too old are left out, unless nothing else is left.
    """
    every = {java_candidate(image) for image in images}
    known = sorted(every, key=lambda each: (each.version, each.base), reverse=True)
    fit = [each for each in known if at_least is None or each.version[0] >= at_least] or known
    requested = [each for each in fit if each.version[0] in named]
    past = [each for each in fit if created is None or _adopted(each) <= created]
    future = [each for each in fit if each not in past]
    return list(dict.fromkeys([*requested[:1], *past[:1], *reversed(future), *past[1:]]))


def _adopted(candidate: JavaCandidate) -> date:
    released = JAVA_RELEASES.get(candidate.version[0])
    return released + ADOPTION if released is not None else date.max
