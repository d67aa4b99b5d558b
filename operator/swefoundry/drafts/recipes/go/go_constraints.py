"""Constraints on a Go environment that failed rounds revealed."""

from dataclasses import dataclass

from swefoundry.drafts.recipes.recipe_search import SearchConstraints


@dataclass(frozen=True)
class GoConstraints(SearchConstraints):
    """All constraints found so far."""

    apt: frozenset[str] = frozenset()
    """Debian packages that the build or the tests call."""
    download: bool = False
    """Download dependencies although the source has a vendor folder: it does not agree with go.mod."""


NO_GO_CONSTRAINTS = GoConstraints()
