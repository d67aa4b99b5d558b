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

_LAST_PATCHES: dict[LanguageVersion, int] = {
    (1, 11): 13, (1, 12): 17, (1, 13): 15, (1, 14): 15, (1, 15): 15, (1, 16): 15, (1, 17): 13, (1, 18): 10,
    (1, 19): 13, (1, 20): 14, (1, 21): 13, (1, 22): 12, (1, 23): 12, (1, 24): 13, (1, 25): 14,
}  # fmt: skip
"""Of the releases that the module proxy has: https://go.dev/ref/mod#go-toolchains"""

_FIRST_THAT_DOWNLOADS: LanguageVersion = (1, 21)
"""First release that fetches others: https://go.dev/doc/toolchain"""

DEFAULT_GO_BASES = ("golang:1.26", "golang:1.24", "golang:1.22", "golang:1.20", "golang:1.18", "golang:1.16")
"""Where the operator's settings name none."""


@dataclass(frozen=True)
class Toolchain:
    """A base image and the release of Go that tests run with."""

    base: str
    version: LanguageVersion
    download: str | None = None
    """Full number of the release, where the one of the image fetches it."""


def toolchain_in(image: str) -> Toolchain:
    """Return the toolchain of an image, by its tag; one of unknown version counts as the newest."""
    match = re.search(r"(?:golang|go)[^/]*?:v?(\d+)\.(\d+)", image)
    return Toolchain(image, (int(match[1]), int(match[2])) if match else (1, 99))


def toolchains(
    images: Sequence[str], at_least: LanguageVersion | None, created: date | None
) -> list[Toolchain]:
    """Return the newest toolchain of the time, the newest of all, later ones, then earlier ones.

    Those that the module calls too old are left out, unless nothing else is left. Where no image has a release of the
    time, the newest image fetches one, for the second try.
    """
    known = sorted({toolchain_in(image) for image in images}, key=lambda each: each.version, reverse=True)
    fit = [each for each in known if at_least is None or each.version >= at_least] or known
    past = [each for each in fit if _was_released(each, created)]
    future = [each for each in fit if each not in past]
    dated = [] if past or created is None else _downloaded(known, at_least, created)
    order = [*past[:1], *fit[:1], *dated, *reversed(future), *past[1:]]
    return list(dict.fromkeys(order))


def _downloaded(
    images: Sequence[Toolchain], at_least: LanguageVersion | None, created: date
) -> list[Toolchain]:
    """Return the newest release of the time, if the module takes it and the first of the images can fetch it."""
    versions = [version for version in _LAST_PATCHES if GO_RELEASES[version] <= created]
    fit = [version for version in versions if at_least is None or version >= at_least]
    if not fit or not images or images[0].version < _FIRST_THAT_DOWNLOADS:
        return []
    version = max(fit)
    return [Toolchain(images[0].base, version, f"{version[0]}.{version[1]}.{_LAST_PATCHES[version]}")]


def _was_released(toolchain: Toolchain, created: date | None) -> bool:
    return created is None or GO_RELEASES.get(toolchain.version, date.max) <= created
