"""Facts about a Node package: its manifests, lock file, what to install, and its changed tests."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.node.development_tools import is_tool_of_no_test
from swefoundry.drafts.recipes.node.package_manifest import PackageManifest, from_registry, read_manifest
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

MANIFEST = "package.json"
TEST_SUFFIXES = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")
_LOCKS = ("npm-shrinkwrap.json", "package-lock.json")
_VERSION_FILES = (".nvmrc", ".node-version")


@dataclass(frozen=True)
class NodeProject:
    """The package whose tests run: the nearest manifest above most test files."""

    facts: Facts
    folder: str
    """Relative to the source's root."""
    manifest: PackageManifest
    fixed_manifest: PackageManifest
    """The same after the fix, which may need more packages, and whose scripts run the changed tests."""
    root: PackageManifest
    """The manifest in the root of the source, where that is another one: monorepos declare there what tests need."""
    created: date | None

    @cached_property
    def manifests(self) -> tuple[PackageManifest, ...]:
        """All that declare packages, the deciding one last."""
        return self.root, self.manifest, self.fixed_manifest

    @cached_property
    def declared(self) -> dict[str, str]:
        """All packages that a registry has, with their ranges."""
        every: dict[str, str] = {}
        for manifest in self.manifests:
            every |= manifest.every_package
        return from_registry(
            {name: version_range for name, version_range in every.items() if name != self.manifest.name}
        )

    @cached_property
    def needed(self) -> dict[str, str]:
        """The declared packages without tools that no test needs; peers only where they are declared otherwise, too."""
        kept = {name for manifest in self.manifests for name in manifest.runtime}
        development = {name for manifest in self.manifests for name in manifest.development}
        peers = {name for manifest in self.manifests for name in manifest.peers}
        kept |= {name for name in development if name in peers or not is_tool_of_no_test(name)}
        return {name: version_range for name, version_range in self.declared.items() if name in kept}

    @cached_property
    def bound_elsewhere(self) -> list[str]:
        """Packages that the registry is never asked for, because a manifest binds them to another place."""
        names = {name for manifest in self.manifests for name in (manifest.runtime | manifest.development)}
        return sorted(name for name in names if name not in self.declared and name != self.manifest.name)

    @property
    def needs_itself(self) -> bool:
        """Whether a manifest names the package among its own needs, bound to its own folder."""
        return any(manifest.name in manifest.every_package for manifest in self.manifests if manifest.name)

    @cached_property
    def added_by_fix(self) -> dict[str, str]:
        """Packages that only the fixed manifest names."""
        before = {name for manifest in (self.root, self.manifest) for name in manifest.every_package}
        return {name: version_range for name, version_range in self.needed.items() if name not in before}

    @property
    def is_locked(self) -> bool:
        """Whether npm can install the very releases that a lock file names."""
        locks = {str(PurePosixPath(self.folder) / name) for name in _LOCKS}
        return any(file.path in locks for file in self.facts.manifests)

    @property
    def node_version(self) -> LanguageVersion | None:
        """The oldest release of Node that the source allows."""
        files = {file.path: file.text for file in self.facts.manifests}
        texts = [files[name] for name in _VERSION_FILES if name in files]
        named = [int(match[1]) for text in texts if (match := re.match(r"\s*v?(\d+)", text))]
        allowed = [self.manifest.at_least] if self.manifest.at_least is not None else []
        return max([*allowed, *((major, 0) for major in named)], default=None)

    @cached_property
    def test_files(self) -> list[str]:
        """Test files of this package, relative to the source's root."""
        prefix = f"{self.folder}/" if self.folder else ""
        return [
            path for path in self.facts.test_files if path.startswith(prefix) and path.endswith(TEST_SUFFIXES)
        ]


def read_node_project(strategy_input: StrategyInput) -> NodeProject | None:
    """Return the package of most test files; None without a manifest above them."""
    facts, created = strategy_input.facts, strategy_input.created_at
    manifests = _manifests_by_folder([*facts.manifests, *facts.further_manifests])
    tests = [path for path in facts.test_files if path.endswith(TEST_SUFFIXES)]
    above = Counter(folder for path in tests if (folder := _nearest(path, manifests)) is not None)
    if not above:
        return None
    folder = above.most_common(1)[0][0]
    fixed = _manifests_by_folder(facts.fixed_manifests or []).get(folder, manifests[folder])
    root = manifests.get("", "") if folder else ""
    day = created.date() if created is not None else None
    return NodeProject(
        facts, folder, read_manifest(manifests[folder]), read_manifest(fixed), read_manifest(root), day
    )


def _manifests_by_folder(files: list[FileFact]) -> dict[str, str]:
    return {
        file.path.rpartition("/")[0]: file.text for file in files if PurePosixPath(file.path).name == MANIFEST
    }


def _nearest(path: str, manifests: dict[str, str]) -> str | None:
    above = [folder for folder in manifests if not folder or path.startswith(f"{folder}/")]
    return max(above, key=len, default=None)
