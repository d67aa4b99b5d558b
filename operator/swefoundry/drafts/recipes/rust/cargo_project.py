"""Facts about a Rust source: the packages of its changed tests, the Rust they need, and its lock file."""

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.recipe_search import LanguageVersion
from swefoundry.drafts.recipes.rust.added_dependencies import (
    added_dependencies,
    has_outer_paths,
    requirements_of_tests,
)

_VERSION = re.compile(r"(\d+)\.(\d+)")
EDITIONS: dict[str, LanguageVersion] = {"2018": (1, 31), "2021": (1, 56), "2024": (1, 85)}
"""Editions, and the releases that brought them."""


@dataclass(frozen=True)
class CargoProject:
    """The packages whose tests run: for each test file the nearest above it."""

    facts: Facts
    folders: tuple[str, ...]
    """Of the packages, relative to the source's root; `.` is the root."""
    created: date | None

    @cached_property
    def rust_version(self) -> LanguageVersion | None:
        """The newest release that a package, its workspace, an edition or a toolchain file names."""
        named = [_named_version(self._manifest(folder)) for folder in {*self.folders, "."}]
        return max((each for each in (*named, self._toolchain_version) if each is not None), default=None)

    @property
    def _toolchain_version(self) -> LanguageVersion | None:
        found = _VERSION.search(self._toolchain_file)
        return (int(found[1]), int(found[2])) if found else None

    @property
    def _toolchain_file(self) -> str:
        names = ("rust-toolchain", "rust-toolchain.toml")
        return next((file.text for file in self.facts.manifests if file.path in names), "")

    @property
    def pins_toolchain(self) -> bool:
        """Whether rustup, where the image has it, would download another toolchain."""
        return bool(self._toolchain_file)

    @cached_property
    def added_by_fix(self) -> dict[str, str]:
        """Dependencies that only the manifests after the fix ask for, in TOML."""
        fixed = self._fixed_manifests
        added: dict[str, str] = {}
        for folder in sorted({*self.folders, "."} & fixed.keys()):
            added |= added_dependencies(self._manifest(folder), _parsed(fixed[folder]))
        return added

    @cached_property
    def test_requirements_of_fix(self) -> dict[str, list[list[str]]]:
        """By folder, arguments of `cargo add --dev` for what only the fix's manifests ask for the tests.

        The tests of the test patch are written for these releases, and would not compile with those of before.
        """
        fixed = self._fixed_manifests
        found = {
            folder: requirements_of_tests(self._manifest(folder), _parsed(fixed[folder]))
            for folder in self.folders
            if folder in fixed
        }
        return {folder: requirements for folder, requirements in found.items() if requirements}

    @property
    def has_outer_paths(self) -> bool:
        """Whether dependencies of the package in the root have paths out of the source, as in crates of before 2018."""
        texts = [_manifests(self.facts).get("."), self._fixed_manifests.get(".")]
        return any(has_outer_paths(_parsed(text)) for text in texts if text is not None)

    @property
    def files_instead(self) -> list[str]:
        """Files whose targets run where the patch changes no test file: one of each folder, and every Rust file.

        Their tests read what else is in their folder, such as the messages that a compiler is expected to print.
        """
        files = self.facts.test_support_files if not self.facts.test_files else []
        one_by_folder = {path.rpartition("/")[0]: path for path in sorted(files, reverse=True)}
        return sorted({*one_by_folder.values(), *(path for path in files if path.endswith(".rs"))})

    @property
    def is_locked(self) -> bool:
        return "Cargo.lock" in self.facts.root_entries

    @cached_property
    def _fixed_manifests(self) -> dict[str, str]:
        return _manifests_in(self.facts.fixed_manifests or [])

    def _manifest(self, folder: str) -> dict[str, Any]:
        return _parsed(_manifests(self.facts).get(folder, ""))


def read_project(strategy_input: StrategyInput) -> CargoProject | None:
    """Return the packages of the test files; None where no Cargo.toml is above any."""
    facts, created = strategy_input.facts, strategy_input.created_at
    known = _manifests(facts)
    files = facts.test_files or facts.test_support_files or [""]
    folders = {folder for path in files if (folder := _nearest(path, known)) is not None}
    if not folders:
        return None
    return CargoProject(facts, tuple(sorted(folders)), created.date() if created is not None else None)


def _manifests(facts: Facts) -> dict[str, str]:
    return _manifests_in([*facts.manifests, *facts.further_manifests])


def _manifests_in(files: list[FileFact]) -> dict[str, str]:
    """Texts of Cargo.toml files by folder."""
    return {
        file.path.rpartition("/")[0] or ".": file.text
        for file in files
        if file.path.rpartition("/")[2] == "Cargo.toml"
    }


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}


def _nearest(path: str, manifests: dict[str, str]) -> str | None:
    above = [folder for folder in manifests if folder == "." or path.startswith(f"{folder}/")]
    return max(above, key=lambda folder: 0 if folder == "." else len(folder), default=None)


def _named_version(manifest: dict[str, Any]) -> LanguageVersion | None:
    """The release that `rust-version` and `edition` of a package, or of a workspace, ask for."""
    tables = [manifest.get("package"), (manifest.get("workspace") or {}).get("package")]
    named = [_table_version(table) for table in tables if isinstance(table, dict)]
    return max((each for each in named if each is not None), default=None)


def _table_version(table: dict[str, Any]) -> LanguageVersion | None:
    found = _VERSION.match(str(table.get("rust-version", "")))
    version = (int(found[1]), int(found[2])) if found else None
    return max(filter(None, (version, EDITIONS.get(str(table.get("edition"))))), default=None)
