"""Facts about a Maven project: the modules of its changed tests, the Java that it asks for, its test classes."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.java.pom import EffectivePom, Pom, read_pom, with_parents

POM = "pom.xml"
_VERSION_FILES = {
    ".java-version": re.compile(r"^\s*\D*?(?:64-)?(?:1\.)?(\d{1,2})\b"),
    ".tool-versions": re.compile(r"^java\s+\D*(?:1\.)?(\d{1,2})\b", re.MULTILINE),
    ".sdkmanrc": re.compile(r"^java\s*=\s*(?:1\.)?(\d{1,2})\b", re.MULTILINE),
}
_CI_LISTS = re.compile(
    r"^[ \t-]*[\"']?(?:java|jdk|java[-_]?versions?)[\"']?[ \t]*:[ \t]*"
    r"(\[[^\]]*\]|(?:\n[ \t]*-[ \t]*[^\n]+)+|[^\n#]+)",
    re.MULTILINE,
)
_CI_NUMBER = re.compile(r"(?<![\d.])(?:1\.)?(\d{1,2})(?!\d)")
_KNOWN_VERSIONS = range(6, 40)
_BUILT_PROJECT = re.compile(r"(?:^|/)src/it/.*/src/")
"""A source of a project that maven-invoker-plugin builds, which is no class of a module."""


@dataclass(frozen=True)
class MavenModule:
    """A module, and the folder in which Maven is started for it."""

    root: str
    """Of the topmost project that has it among its modules; `.` is the source's root."""
    folder: str
    """Relative to the source's root; `.` is the root."""
    has_modules: bool
    """Whether the project in ``root`` has modules, of which this one is to be selected."""

    @property
    def selector(self) -> str:
        """What `--projects` takes: the module's folder relative to ``root``."""
        return str(PurePosixPath(self.folder).relative_to(self.root))


@dataclass(frozen=True)
class JavaProject:
    """The modules whose tests run: for each test file the nearest pom.xml above it."""

    facts: Facts
    poms: Mapping[str, Pom]
    """By folder; the root's is empty."""
    modules: tuple[MavenModule, ...]
    created: date | None

    @cached_property
    def effective(self) -> list[EffectivePom]:
        """The modules' POMs, with what they inherit in the tree."""
        folders = ["" if module.folder == "." else module.folder for module in self.modules]
        return [
            EffectivePom(tuple(with_parents(self.poms[folder], self.poms)))
            for folder in folders
            if folder in self.poms
        ]

    @cached_property
    def levels(self) -> dict[str, int]:
        """Levels of the language by the property that sets them; those that no property sets have the empty name."""
        merged: dict[str, int] = {}
        for pom in self.effective:
            for name, level in pom.levels.items():
                merged[name] = min(level, merged.get(name, level))
        return merged

    @cached_property
    def at_least(self) -> int | None:
        """The oldest JDK that knows the level of the sources."""
        return max((level for pom in self.effective for level in pom.levels.values()), default=None)

    @property
    def is_maven_plugin(self) -> bool:
        """Whether it, or one of its modules, is a plugin of Maven."""
        return any(pom.packaging == "maven-plugin" for pom in self.poms.values())

    @cached_property
    def named_versions(self) -> frozenset[int]:
        """JDKs that version files name, else those that the CI uses."""
        return named_java_versions(self.facts)


def read_java_project(strategy_input: StrategyInput) -> JavaProject | None:
    """Return the modules of the test files; None where no pom.xml is above any, as in a project of Gradle."""
    facts, created = strategy_input.facts, strategy_input.created_at
    texts = {file.path.rpartition("/")[0]: file.text for file in _pom_files(facts)}
    read = {folder: read_pom(folder, text) for folder, text in texts.items()}
    poms = {folder: pom for folder, pom in read.items() if pom is not None}
    tests = [path for path in facts.test_files if path.endswith(".java") and is_of_module(path)]
    files = tests or facts.test_support_files or [""]
    folders = {folder for path in files if (folder := nearest_folder(path, texts)) is not None}
    if not folders:
        return None
    modules = sorted((_module(folder, poms) for folder in folders), key=lambda each: each.folder)
    return JavaProject(facts, poms, tuple(modules), created.date() if created is not None else None)


def is_of_module(path: str) -> bool:
    """Whether a file is of a module, and not of a project that a module's tests build."""
    return _BUILT_PROJECT.search(path) is None


def _pom_files(facts: Facts) -> list[FileFact]:
    files = [*facts.manifests, *facts.further_manifests]
    return [file for file in files if PurePosixPath(file.path).name == POM]


def nearest_folder(path: str, folders: Iterable[str]) -> str | None:
    """Return the deepest of the folders that has a path below it; the root is empty."""
    above = [folder for folder in folders if not folder or path.startswith(f"{folder}/")]
    return max(above, key=len, default=None)


def _module(folder: str, poms: Mapping[str, Pom]) -> MavenModule:
    """Go up from project to project, as long as one has the last among its modules."""
    root = folder
    while True:
        above = [each for each, pom in poms.items() if root in pom.module_folders and each != root]
        above = [each for each in above if not each or root.startswith(f"{each}/")]
        if not above:
            break
        root = min(above, key=len)
    has_modules = root in poms and bool(poms[root].module_folders)
    return MavenModule(root or ".", folder or ".", has_modules)


def named_java_versions(facts: Facts) -> frozenset[int]:
    """JDKs that version files name, else those that the CI uses."""
    files = {file.path: file.text for file in facts.manifests}
    stated = [pattern.search(files[name]) for name, pattern in _VERSION_FILES.items() if name in files]
    found = {int(match[1]) for match in stated if match is not None}
    return frozenset(found & set(_KNOWN_VERSIONS)) or _ci_versions(facts.ci)


def _ci_versions(files: Iterable[FileFact]) -> frozenset[int]:
    lists = [match for file in files for match in _CI_LISTS.findall(file.text)]
    found = {int(number) for text in lists for number in _CI_NUMBER.findall(text)}
    return frozenset(found & set(_KNOWN_VERSIONS))
