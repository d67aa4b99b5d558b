"""Constraints on a Rust environment that failed rounds revealed."""

from dataclasses import dataclass

from swefoundry.drafts.recipes.recipe_search import SearchConstraints


@dataclass(frozen=True)
class CargoConstraints(SearchConstraints):
    """All constraints found so far."""

    apt: frozenset[str] = frozenset()
    """Debian packages that the build or the tests need."""
    features: frozenset[str] = frozenset()
    """Features of the package without which a target is not built, or lacks what it uses."""
    examples: bool = False
    """Compile the examples, which tests start as programs."""
    cap_lints: bool = False
    """Lints that the source denies are warnings: later compilers warn of more."""


NO_CARGO_CONSTRAINTS = CargoConstraints()
