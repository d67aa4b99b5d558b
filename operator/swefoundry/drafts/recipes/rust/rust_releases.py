"""Order the releases of Rust to try, best first, and the dates of dependencies.

The compiler builds what was written for earlier releases, so the newest is first; the second is that of the change,
because lints, messages and a few syntaxes change. Dependencies without a lock file are those of the day of the change,
which later releases of cargo can look up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from swefoundry.drafts.recipes.recipe_search import LanguageVersion

FIRST_RELEASE = date(2015, 5, 15)
RELEASE_CYCLE = timedelta(weeks=6)
FIRST_WITH_DATES: LanguageVersion = (1, 95)
"""First release of cargo known to resolve as of a day (`generate-lockfile --publish-time`)."""

DEFAULT_RUST_BASES = ("rust:1.95", "rust:1.85", "rust:1.75", "rust:1.65", "rust:1.56")
"""Where the operator's settings name none."""


@dataclass(frozen=True)
class RustCandidate:
    """A base image, its release of Rust, and the day as of which dependencies are resolved."""

    base: str
    version: LanguageVersion
    as_of: date | None = None

    @property
    def released(self) -> date:
        """A release comes every six weeks."""
        return FIRST_RELEASE + self.version[1] * RELEASE_CYCLE


def candidate_in(image: str) -> RustCandidate:
    """Return the candidate of an image, by its tag; one of unknown version counts as the newest."""
    match = re.search(r"rust[^/]*?:v?(\d+)\.(\d+)", image)
    return RustCandidate(image, (int(match[1]), int(match[2])) if match else (1, 999))


def candidates(
    images: Sequence[str], at_least: LanguageVersion | None, created: date | None
) -> list[RustCandidate]:
    """Return the newest release, that of the change, then the others, newest first.

    Those that the package calls too old are left out, unless nothing else is left. Releases that know dates have the
    day after the change, because it may need a dependency that was released the same day; in the end they have none.
    """
    known = sorted({candidate_in(image) for image in images}, key=lambda each: each.version, reverse=True)
    fit = [each for each in known if at_least is None or each.version >= at_least] or known
    past = [each for each in fit if created is not None and each.released <= created]
    ordered = list(dict.fromkeys([*fit[:1], *past[:1], *fit]))
    if created is None:
        return ordered
    dated = [_dated(each, created) for each in ordered]
    return list(dict.fromkeys([*dated, *ordered]))


def _dated(candidate: RustCandidate, created: date) -> RustCandidate:
    if candidate.version < FIRST_WITH_DATES:
        return candidate
    return RustCandidate(candidate.base, candidate.version, created + timedelta(days=1))
