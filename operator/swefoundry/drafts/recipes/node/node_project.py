"""Facts about a Node package: its manifests, workspace and lock file, what to install, and its changed tests."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.node.development_tools import is_tool_of_no_test
from swefoundry.drafts.recipes.node.package_managers import LockFile, find_lock
from swefoundry.drafts.recipes.node.package_manifest import PackageManifest, from_registry, read_manifest
from swefoundry.drafts.recipes.node.workspaces import NodeWorkspace, read_workspace

MANIFEST = "package.json"
TEST_SUFFIXES = (".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts")


@dataclass(frozen=True, kw_only=True)
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
    workspace: NodeWorkspace
    lock: LockFile | None
    """The lock file that names the releases of this package's needs."""
    created: date | None

    @cached_property
    def manifests(self) -> tuple[PackageManifest, ...]:
        """All that declare packages, the deciding one last."""
        return self.root, self.manifest, self.fixed_manifest

    @cached_property
    def members(self) -> list[str]:
        """Folders of the members of the workspace that the package needs, needed ones first."""
        own = self.workspace.needed_by(self.manifests)
        return [folder for folder in own if folder != self.folder]

    @cached_property
    def declared(self) -> dict[str, str]:
        """All packages that a registry has, with their ranges; what the workspace has is never asked for."""
        every: dict[str, str] = {}
        for folder in self.members:
            every |= self.workspace.members[folder].runtime
        for manifest in self.manifests:
            every |= manifest.every_package
        own = {self.manifest.name, *self.workspace.folders}
        return from_registry(
            {name: version_range for name, version_range in every.items() if name not in own}
        )

    @cached_property
    def needed(self) -> dict[str, str]:
        """The declared packages without tools that no test needs; peers only where they are declared otherwise, too."""
        development = {name for manifest in self.manifests for name in manifest.development}
        peers = {name for manifest in self.manifests for name in manifest.peers}
        kept = self.runtime | {name for name in development if name in peers or not is_tool_of_no_test(name)}
        return {name: version_range for name, version_range in self.declared.items() if name in kept}

    @cached_property
    def runtime(self) -> set[str]:
        """Packages that users of the package get, and those of the members that it needs."""
        manifests = (*self.manifests, *(self.workspace.members[folder] for folder in self.members))
        return {name for manifest in manifests for name in manifest.runtime}

    @cached_property
    def bound_elsewhere(self) -> list[str]:
        """Packages that the registry is never asked for, because a manifest binds them to another place."""
        names = {name for manifest in self.manifests for name in (manifest.runtime | manifest.development)}
        known = {*self.declared, *self.workspace.folders, self.manifest.name}
        return sorted(names - known)

    @property
    def needs_itself(self) -> bool:
        """Whether a manifest names the package among its own needs, bound to its own folder."""
        return any(manifest.name in manifest.every_package for manifest in self.manifests if manifest.name)

    @cached_property
    def added_by_fix(self) -> dict[str, str]:
        """Packages that only the fixed manifest names."""
        before = {name for manifest in (self.root, self.manifest) for name in manifest.every_package}
        return {
            name: version_range
            for name, version_range in self.needed.items()
            if name in self.fixed_manifest.every_package and name not in before
        }

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
    texts = {file.path: file.text for file in (*facts.manifests, *facts.further_manifests)}
    manifests = _manifests_by_folder([*facts.manifests, *facts.further_manifests])
    tests = [path for path in facts.test_files if path.endswith(TEST_SUFFIXES)]
    above = Counter(folder for path in tests if (folder := _nearest(path, manifests)) is not None)
    if not above:
        return None
    folder = above.most_common(1)[0][0]
    root = manifests.get("", read_manifest(""))
    workspace = read_workspace(manifests, texts)
    has_workspace = folder in workspace.members or (not folder and bool(workspace.members))
    locked = [folder, *([""] if folder in workspace.members else [])]
    return NodeProject(
        facts=facts,
        folder=folder,
        manifest=manifests[folder],
        fixed_manifest=_manifests_by_folder(facts.fixed_manifests or []).get(folder, manifests[folder]),
        root=root if folder else read_manifest(""),
        workspace=workspace,
        lock=find_lock(locked, texts, root, has_workspace),
        created=created.date() if created is not None else None,
    )


def _manifests_by_folder(files: list[FileFact]) -> dict[str, PackageManifest]:
    return {
        file.path.rpartition("/")[0]: read_manifest(file.text)
        for file in files
        if PurePosixPath(file.path).name == MANIFEST
    }


def _nearest(path: str, manifests: dict[str, PackageManifest]) -> str | None:
    above = [folder for folder in manifests if not folder or path.startswith(f"{folder}/")]
    return max(above, key=len, default=None)
