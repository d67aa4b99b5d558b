"""Facts about a Go module: where it is, which Go it needs, where its dependencies and its changed tests are."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.go.fixed_module import (
    Requirement,
    added_requirements,
    changed_requirements,
    module_of_requirements,
)
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

_GO_LINE = re.compile(r"^go[ \t]+(\d+)\.(\d+)", re.MULTILINE)
_TOOLCHAIN_LINE = re.compile(r"^toolchain[ \t]+go(\d+)\.(\d+)", re.MULTILINE)
_TESTDATA = re.compile(r"(?:^|/)testdata(?:/.*)?$")


@dataclass(frozen=True)
class GoProject:
    """The module whose tests run: the nearest above most test files."""

    facts: Facts
    folder: str
    """Relative to the source's root."""
    manifest: str
    """Text of its go.mod; empty where it has none."""
    created: date | None
    repo_without_modules: str = ""
    """owner/name, where the source is of before modules and its build makes a go.mod."""

    @property
    def go_version(self) -> LanguageVersion | None:
        """The newest of the module's `go` and `toolchain` lines, before and after the fix."""
        manifests = (self.manifest, self._fixed_manifest)
        lines = [pattern.search(each) for pattern in (_GO_LINE, _TOOLCHAIN_LINE) for each in manifests]
        return max(((int(line[1]), int(line[2])) for line in lines if line is not None), default=None)

    @property
    def _fixed_manifest(self) -> str:
        """Text of its go.mod after the fix; empty where the fix does not change it."""
        return _module_folders(self.facts.fixed_manifests or []).get(self.folder, "")

    @cached_property
    def fixed_module(self) -> list[str]:
        """Lines of a go.mod with the modules that are required after the fix; empty where they are as before."""
        fixed = module_of_requirements(self._fixed_manifest)
        return fixed if fixed != module_of_requirements(self.manifest) else []

    @cached_property
    def added_requirements(self) -> list[Requirement]:
        """What only the fix requires; none where the project's own folders have all of it."""
        return added_requirements(self.manifest, self._fixed_manifest) if self.may_require_more else []

    @cached_property
    def changed_requirements(self) -> list[Requirement]:
        """What the fix requires in another version."""
        return changed_requirements(self.manifest, self._fixed_manifest) if self.may_require_more else []

    @property
    def may_require_more(self) -> bool:
        """Whether dependencies that are added to go.mod are used: not where they are part of the source."""
        return not self.is_vendored and not self.is_workspace

    @property
    def is_workspace(self) -> bool:
        return "go.work" in self.facts.root_entries

    @property
    def is_vendored(self) -> bool:
        """Whether the dependencies are part of the source."""
        modules = str(PurePosixPath(self.folder) / "vendor/modules.txt")
        return any(file.path == modules for file in self.facts.manifests)

    @cached_property
    def other_modules(self) -> list[str]:
        """Folders of modules within this one, whose packages are not its own."""
        folders = _module_folders(_manifests(self.facts))
        return sorted(each for each in folders if each != self.folder and _is_below(each, self.folder))

    @cached_property
    def fixture_packages(self) -> list[str]:
        """Folders of packages of which the test patch changes nothing but files under testdata."""
        named = {_package_folder(path) for path in self.facts.test_files}
        fixtures = [path for path in self.facts.test_support_files if _TESTDATA.search(_folder(path))]
        return sorted({_package_folder(path) for path in fixtures} - named)

    @property
    def has_test_files(self) -> bool:
        return any(path.endswith("_test.go") for path in self.facts.test_files)


def read_project(strategy_input: StrategyInput) -> GoProject | None:
    """Return the module of most test files, or a source without any module; None where no go.mod is above the tests of
    one that has some.
    """
    facts, created = strategy_input.facts, strategy_input.created_at
    modules = _module_folders(_manifests(facts))
    day = created.date() if created is not None else None
    if not modules and strategy_input.repo and facts.languages.get("go"):
        return GoProject(facts, "", "", day, strategy_input.repo)
    tests = [*facts.test_files, *facts.test_support_files] or [""]
    above = Counter(
        folder for path in tests if (folder := _nearest_module(path, modules)) is not None
    ).most_common(1)
    if not above:
        return None
    folder = above[0][0]
    return GoProject(facts, folder, modules[folder], day)


def _manifests(facts: Facts) -> list[FileFact]:
    return [*facts.manifests, *facts.further_manifests]


def _module_folders(files: list[FileFact]) -> dict[str, str]:
    return {_folder(file.path): file.text for file in files if PurePosixPath(file.path).name == "go.mod"}


def _nearest_module(path: str, modules: dict[str, str]) -> str | None:
    above = [folder for folder in modules if _is_below(path, folder)]
    return max(above, key=len, default=None)


def _is_below(path: str, folder: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _package_folder(path: str) -> str:
    return _TESTDATA.sub("", _folder(path))
