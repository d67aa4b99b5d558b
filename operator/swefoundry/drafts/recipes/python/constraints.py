"""Constraints on the environment that failed rounds revealed; they hold for every later draft."""

from dataclasses import dataclass, replace
from typing import Self

from swefoundry.drafts.recipes.recipe_search import SearchConstraints


@dataclass(frozen=True)
class Constraints(SearchConstraints):
    """All constraints found so far."""

    add: frozenset[str] = frozenset()
    """Requirements that were missing."""
    drop: frozenset[str] = frozenset()
    """Distributions that cannot be installed and that the tests may not need."""
    absent: frozenset[str] = frozenset()
    """Distributions that the index does not have."""
    loosen: frozenset[str] = frozenset()
    """Distributions whose version bounds cannot be satisfied; `*` for all."""
    as_of_change: frozenset[str] = frozenset()
    """Distributions to resolve as of the change, because newer releases removed a name that the source uses."""
    tools_accept_project: bool = False
    """Only releases of the tests' tools that accept the project's own release: they import the project."""
    as_of_candidate: frozenset[str] = frozenset()
    """Distributions whose release as of the change does not build: resolved as of the candidate's day."""
    undated: frozenset[str] = frozenset()
    """Distributions that did not exist on the candidate's day: resolved without a date."""
    build_requirements: frozenset[str] = frozenset()
    """Additional requirements of the project's own build."""
    build_limits: frozenset[str] = frozenset()
    """Constraints of isolated builds: build tools of the time of old source distributions."""
    apt: frozenset[str] = frozenset()
    pytest_below: int | None = None
    pytest_at_least: str | None = None
    no_addopts: bool = False
    no_config: bool = False
    no_warnings: bool = False
    """Do not turn warnings into errors."""
    importlib: bool = False
    plain_unittest: bool = False
    """pytest runs these tests with no candidate; `python -m unittest` may."""
    django_settings: bool = False
    """Set DJANGO_SETTINGS_MODULE."""
    cache: bool = False
    """A plugin needs pytest's cache."""
    features: bool = False
    """Install the extras for users: the tests may be about optional parts of the project."""
    on_path: bool = False
    """The project cannot be installed: put its folders on PYTHONPATH."""
    python_path: frozenset[str] = frozenset()
    """Further folders of the source for PYTHONPATH."""
    installer_resolves: bool = False
    """Let the installer resolve the project's own requirements: its manifests do not show all of them."""
    rebuild: bool = False
    """Rebuild compiled parts before the tests: the fix may be in their sources."""

    def merged(self, other: Self) -> Self:
        """Return the union; of two bounds the stricter."""
        bounds = filter(None, (self.pytest_below, other.pytest_below))
        return replace(super().merged(other), pytest_below=min(bounds, default=None))


NO_CONSTRAINTS = Constraints()
