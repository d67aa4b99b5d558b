"""Constraints on a Java environment that failed rounds revealed."""

from dataclasses import dataclass

from swefoundry.drafts.recipes.recipe_search import SearchConstraints


@dataclass(frozen=True)
class JavaConstraints(SearchConstraints):
    """All constraints found so far."""

    apt: frozenset[str] = frozenset()
    """Debian packages that the build or the tests call."""
    raised_level: bool = False
    """Compile for a level of the language that the JDK still supports."""
    fresh_test_classes: bool = False
    """Copy the tests' resources into an empty folder each time: some cannot be copied over themselves."""
    goals_alone: bool = False
    """Call the goals that compile and test instead of the phases, which have other plugins that fail."""
    options: frozenset[str] = frozenset()
    """Further options of Maven: properties that skip a plugin, as `-Dproguard.skip`."""
    jvm_options: frozenset[str] = frozenset()
    """Options of every JVM of the tests: packages to open, memory."""
    artifacts: frozenset[str] = frozenset()
    """Coordinates (`group:artifact:version:type`) that only the tests ask for, so that the build downloads them."""


NO_JAVA_CONSTRAINTS = JavaConstraints()
