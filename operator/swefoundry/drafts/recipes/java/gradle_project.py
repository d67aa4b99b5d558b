"""Facts about a Gradle project: the modules of its changed tests, the release of its wrapper, the JDKs for it."""

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.java.gradle_requests import GradleDependency, requested_dependencies
from swefoundry.drafts.recipes.java.java_project import named_java_versions, nearest_folder
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

BUILD_FILES = ("build.gradle", "build.gradle.kts")
WRAPPER = "gradle/wrapper/gradle-wrapper.properties"

_DISTRIBUTION = re.compile(r"^\s*distributionUrl\s*=.*/gradle-(\d+)\.(\d+)", re.MULTILINE)
_LEVELS = re.compile(
    r"(?:(?:source|target)Compatibility\s*(?:=|\()?\s*['\"]?(?:JavaVersion\.VERSION_)?"
    r"|JavaLanguageVersion\.of\(\s*|options\.release(?:\.set\(|\s*=)\s*)(?:1[._])?(\d{1,2})\b"
)
_LATEST_JDKS: tuple[tuple[LanguageVersion, int], ...] = (
    ((9, 1), 25),
    ((8, 5), 21),
    ((7, 3), 17),
    ((5, 0), 11),
    ((0, 0), 8),
)
"""First releases of Gradle that run on a JDK with long-term support: its compatibility matrix."""


@dataclass(frozen=True)
class GradleProject:
    """The modules whose tests run: for each test file the nearest build file above it."""

    facts: Facts
    modules: tuple[str, ...]
    """Folders relative to the source's root; `.` is the root. Gradle finds the build of a folder by itself."""
    created: date | None

    @cached_property
    def texts(self) -> dict[str, str]:
        """Manifests by path."""
        return {file.path: file.text for file in (*self.facts.manifests, *self.facts.further_manifests)}

    @cached_property
    def fixed_texts(self) -> dict[str, str]:
        """The same after the fix."""
        return self.texts | {file.path: file.text for file in self.facts.fixed_manifests or []}

    def added_dependencies(self, module: str) -> list[GradleDependency]:
        """Return those of a module that only the build files after the fix have, or have in another version."""
        files = [*BUILD_FILES, *(f"{module}/{name}" for name in BUILD_FILES)]
        after = requested_dependencies(self.fixed_texts, files)
        return sorted(after - requested_dependencies(self.texts, files))

    @cached_property
    def wrapper(self) -> LanguageVersion | None:
        """The release of Gradle that the wrapper downloads."""
        match = _DISTRIBUTION.search(self.texts.get(WRAPPER, ""))
        return (int(match[1]), int(match[2])) if match else None

    @cached_property
    def at_least(self) -> int | None:
        """The oldest JDK for the level of the sources, and for the wrapper's Gradle."""
        files = [text for path, text in self.texts.items() if PurePosixPath(path).name in BUILD_FILES]
        levels = [int(number) for text in files for number in _LEVELS.findall(text)]
        levels += [17] if self.wrapper is not None and self.wrapper >= (9, 0) else []
        return max(levels, default=None)

    @cached_property
    def at_most(self) -> int | None:
        """The newest JDK that the wrapper's Gradle runs on."""
        if self.wrapper is None:
            return None
        return next(jdk for first, jdk in _LATEST_JDKS if self.wrapper >= first)

    @cached_property
    def named_versions(self) -> frozenset[int]:
        return named_java_versions(self.facts)


def read_gradle_project(strategy_input: StrategyInput) -> GradleProject | None:
    """Return the modules of the test files; None where no build file of Gradle is above any."""
    facts, created = strategy_input.facts, strategy_input.created_at
    files = [*facts.manifests, *facts.further_manifests]
    folders = {file.path.rpartition("/")[0] for file in files if PurePosixPath(file.path).name in BUILD_FILES}
    tests = [path for path in facts.test_files if path.endswith(".java")]
    found = {nearest_folder(path, folders) for path in tests or facts.test_support_files or [""]}
    modules = sorted(folder or "." for folder in found if folder is not None)
    if not modules:
        return None
    return GradleProject(facts, tuple(modules), created.date() if created is not None else None)
