"""Constraints on a Node environment that failed rounds revealed."""

from dataclasses import dataclass

from swefoundry.drafts.recipes.recipe_search import SearchConstraints


@dataclass(frozen=True)
class NodeConstraints(SearchConstraints):
    """All constraints found so far."""

    apt: frozenset[str] = frozenset()
    """Debian packages that install scripts or tests call."""
    packages: frozenset[str] = frozenset()
    """Packages of the manifests that are installed although they were left out as tools of no test."""
    without: frozenset[str] = frozenset()
    """Packages that the registry does not have, or not in the wanted version."""
    scripts: frozenset[str] = frozenset()
    """Packages whose install scripts run: they compile or download what the package needs."""
    undated: bool = False
    """Resolve without a date: the registry has no release of that time."""
    ignore_lock: bool = False
    """Resolve from the manifests: the lock file cannot be installed."""
    unfrozen: bool = False
    """Install by a lock file that is not in step with the manifests: the package manager completes it."""
    legacy_peers: bool = False
    """Take no notice of peer dependencies that contradict each other."""
    minimal: bool = False
    """Install what the package and its runner need, and of other tools only what a log misses."""
    build: bool = False
    """Run the project's build script before the tests, which import what it makes."""
    transpile_only: bool = False
    """Load TypeScript without checking its types: those of later releases contradict the sources."""
    links_itself: bool = False
    """Tests import the package under its own name: it is linked among its packages."""
    named_files: bool = False
    """Run only files that the test script names: others are read or started by these, and some are meant to fail."""
    test_options: frozenset[str] = frozenset()
    """Options of the test runner."""


NO_NODE_CONSTRAINTS = NodeConstraints()
