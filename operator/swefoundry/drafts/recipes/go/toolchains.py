"""Order the releases of Go to try, best first.

A change was written for the newest release of its time: later ones change what the standard library prints, and their
compilers refuse what earlier ones took. Dependencies need no date, because go.mod pins them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from swefoundry.drafts.recipes.recipe_search import LanguageVersion

GO_RELEASES: dict[LanguageVersion, date] = {
    (1, 11): date(2018, 8, 24),
    (1, 12): date(2019, 2, 25),
    (1, 13): date(2019, 9, 3),
    (1, 14): date(2020, 2, 25),
    (1, 15): date(2020, 8, 11),
    (1, 16): date(2021, 2, 16),
    (1, 17): date(2021, 8, 16),
    (1, 18): date(2022, 3, 15),
    (1, 19): date(2022, 8, 2),
    (1, 20): date(2023, 2, 1),
    (1, 21): date(2023, 8, 8),
    (1, 22): date(2024, 2, 6),
    (1, 23): date(2024, 8, 13),
    (1, 24): date(2025, 2, 11),
    (1, 25): date(2025, 8, 12),
}
"""First releases; 1.11 is the first that knows modules. One that is not here is newer than any change."""

DEFAULT_GO_BASES = ("golang:1.26", "golang:1.24", "golang:1.22", "golang:1.20", "golang:1.18", "golang:1.16")
"""Where the operator's settings name none."""


@dataclass(frozen=True)
class Toolchain:
    """A base image and its release of Go."""

    base: str
    version: LanguageVersion


def toolchain_in(image: str) -> Toolchain:
    """Return the toolchain of an image, by its tag; one of unknown version counts as the newest."""
    match = re.search(r"(?:golang|go)[^/]*?:v?(\d+)\.(\d+)", image)
    return Toolchain(image, (int(match[1]), int(match[2])) if match else (1, 99))


def toolchains(
    images: Sequence[str], at_least: LanguageVersion | None, created: date | None
) -> list[Toolchain]:
    """Return the newest toolchain of the time, the newest of all, later ones, then earlier ones.

    Those that the module calls too old are left out, unless nothing else is left.
    """
    known = sorted({toolchain_in(image) for image in images}, key=lambda each: each.version, reverse=True)
    fit = [each for each in known if at_least is None or each.version >= at_least] or known
    past = [each for each in fit if _was_released(each, created)]
    future = [each for each in fit if each not in past]
    order = [*past[:1], *fit[:1], *reversed(future), *past[1:]]
    return list(dict.fromkeys(order))


def _was_released(toolchain: Toolchain, created: date | None) -> bool:
    return created is None or GO_RELEASES.get(toolchain.version, date.max) <= created
