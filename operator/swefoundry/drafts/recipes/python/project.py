"""The source as the Python recipe sees it: manifests, configuration and layout, parsed once."""

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.python import ci_installs
from swefoundry.drafts.recipes.python.bound_names import BoundName
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, merge_declared
from swefoundry.drafts.recipes.python.project_tree import (
    NOT_IMPORTED,
    ProjectTree,
    TreeProject,
    module_name,
    needed_names,
)
from swefoundry.drafts.recipes.python.pytest_log import ProjectModules
from swefoundry.drafts.recipes.python.pytest_settings import (
    PytestConfiguration,
    configuration_folders,
    read_configuration,
)
from swefoundry.drafts.recipes.python.requirement_names import requirement_name, requirements_in
from swefoundry.drafts.recipes.python.well_known import is_well_known


@dataclass(frozen=True)
class PythonProject:
    """Parsed facts of a Python source."""

    facts: Facts
    declared: DeclaredMetadata
    """Of the project whose tests run, with the runtime requirements of the tree's projects that it needs."""
    config: PytestConfiguration
    created: date | None
    version: str | None
    own: TreeProject
    needed: tuple[TreeProject, ...] = ()
    """Further projects of the tree, installed from there."""
    local_names: frozenset[str] = field(default_factory=frozenset)
    """Requirements that are never asked from the package index, in canonical spelling."""
    left_out: tuple[BoundName, ...] = ()
    """Bound requirements that the tree does not have."""
    excluded: frozenset[str] = field(default_factory=frozenset)
    """Those that a dependency must not bring either: bound names, and distributions of the tree."""

    @classmethod
    def from_input(cls, strategy_input: StrategyInput) -> "PythonProject":
        """Parse the manifests in the facts."""
        facts = strategy_input.facts
        files = (*facts.further_manifests, *facts.manifests)
        tree = ProjectTree({file.path: file.text for file in files}, tuple(facts.python_modules))
        own = tree.read(tree.project_folder(facts.test_files))
        declared = _with_root(own, tree, [file.text for file in facts.ci])
        places = {tree.at_place(name).name for name in declared.bound}
        needed = tree.needed(own, sorted(_names_of(declared) | places), facts.test_imports)
        bound = {
            tree.at_place(name)
            for part in (declared, *(each.declared for each in needed))
            for name in part.bound
        }
        allowed = _allowed_names(strategy_input)
        left_out = sorted(_outside(bound, tree, own, allowed), key=str)
        created = strategy_input.created_at.date() if strategy_input.created_at else None
        return cls(
            facts,
            _with_needed(declared, needed, bound, allowed),
            read_configuration(tree.texts, configuration_folders(facts.test_files)),
            created,
            strategy_input.version,
            own,
            needed,
            _local_names({*tree.by_name, *tree.module_names}, bound, own, allowed),
            tuple(left_out),
            _local_names(tree.by_name, bound, own, allowed),
        )

    @property
    def runtime_names(self) -> set[str]:
        """Names of the distributions that the project requires."""
        return {canonicalize_name(requirement.name) for requirement in requirements_in(self.declared.runtime)}

    @property
    def release(self) -> Version | None:
        """Version of the project as its manifests, or else the row, name it; None: neither does."""
        for text in (self.declared.version, self.version):
            try:
                return Version(text or "")
            except InvalidVersion:
                continue
        return None

    @property
    def import_folders(self) -> tuple[str, ...]:
        """Folders that make the project's packages importable: src, lib, or its own (of the root the empty string)."""
        if not self.own.folder:
            return tuple(
                dict.fromkeys(posixpath.dirname(folder.rstrip("/")) for folder in self.facts.package_dirs)
            )
        return self.folders_of(self.own)

    @property
    def own_modules(self) -> list[str]:
        """Top-level modules of the project itself, without those for tests, examples and documentation."""
        names = [module_name(path) for path in self.facts.python_modules if self.own.contains(path)]
        return sorted(set(names) - NOT_IMPORTED)

    @property
    def imported_as(self) -> frozenset[str]:
        """Names by which others import the project."""
        packages = (posixpath.basename(path.rstrip("/")) for path in self.facts.package_dirs)
        return frozenset((*self.own_modules, *packages)) - NOT_IMPORTED

    def folders_of(self, part: TreeProject) -> tuple[str, ...]:
        """Folders that make the packages of one project of the tree importable."""
        inside = (posixpath.dirname(path) for path in self.facts.python_modules if part.contains(path))
        return tuple(dict.fromkeys(inside)) or (part.folder,)

    @property
    def loose_folders(self) -> tuple[str, ...]:
        """Folders of modules that the tests import and that no installed project brings (`backend/app.py`)."""
        installed = (self.own, *self.needed)
        declared = self.runtime_names | {"pytest"}
        found: dict[str, None] = {}
        for module in self.facts.test_imports:
            paths = [path for path in self.facts.python_modules if module_name(path) == module]
            covered = any(part.contains(path) for part in installed for path in paths)
            if (
                paths
                and not covered
                and not is_well_known(module)
                and canonicalize_name(module) not in declared
            ):
                found[posixpath.dirname(min(paths, key=self._distance_to_tests))] = None
        test_folders = {posixpath.dirname(test) for test in self.facts.test_files}
        return tuple(folder for folder in found if folder and folder not in test_folders)

    def _distance_to_tests(self, path: str) -> tuple[int, int]:
        """Prefer the module that shares most folders with the tests."""
        parts = path.split("/")[:-1]
        tests = [test.split("/")[:-1] for test in self.facts.test_files]
        shared = max(
            (sum(1 for a, b in zip(parts, test, strict=False) if a == b) for test in tests), default=0
        )
        return -shared, len(parts)

    @property
    def modules(self) -> ProjectModules:
        """The modules of the source, for rules that read logs."""
        folders = {
            posixpath.basename(path.rstrip("/")): posixpath.dirname(path.rstrip("/"))
            for path in self.facts.package_dirs
        }
        for entry in self.facts.root_entries:
            folders.setdefault(entry.rstrip("/").removesuffix(".py"), "")
        for path in (*self.facts.test_files, *self.facts.test_support_files):
            _add_module(path, folders)
        for path in self.facts.python_modules:
            if not is_well_known(module_name(path)):
                folders.setdefault(module_name(path), posixpath.dirname(path))
        own = canonicalize_name(self.declared.name) if self.declared.name else None
        parents = {posixpath.dirname(posixpath.dirname(path)) for path in self.facts.test_files}
        return ProjectModules(folders, own, frozenset(parents - {"", *self.facts.package_dirs}))


def _with_root(own: TreeProject, tree: ProjectTree, ci: list[str]) -> DeclaredMetadata:
    """Add what the root of a monorepo declares for the tests of all its projects."""
    root_texts = {path: text for path, text in tree.texts.items() if path.count("/") <= 1}
    scripts = ci_installs.declared(root_texts, ci)
    if not own.folder:
        return merge_declared((own.declared, scripts))
    root = tree.read("").declared
    shared = DeclaredMetadata(
        test=root.test, dev=(*root.dev, *root.runtime), limits=root.limits, bound=root.bound
    )
    return merge_declared((own.declared, shared))


def _names_of(declared: DeclaredMetadata) -> set[str]:
    lines = (*declared.test, *declared.dev, *declared.features)
    return needed_names(declared) | {requirement_name(line) for line in lines}


def _with_needed(
    declared: DeclaredMetadata,
    needed: Iterable[TreeProject],
    bound: set[BoundName],
    allowed: frozenset[str],
) -> DeclaredMetadata:
    """Add the runtime requirements of the projects that are installed as well, and allowed bound names."""
    more = [line for part in needed for line in part.declared.runtime]
    more += sorted(name.name for name in bound if name.name and _is_allowed(name.name, allowed))
    return replace(
        declared,
        runtime=tuple(dict.fromkeys((*declared.runtime, *more))),
        limits=tuple(
            dict.fromkeys((*declared.limits, *(line for part in needed for line in part.declared.limits)))
        ),
    )


def _allowed_names(strategy_input: StrategyInput) -> frozenset[str]:
    overrides = strategy_input.overrides
    names = overrides.index_requirements if overrides is not None else []
    return frozenset(name if name == "*" else str(canonicalize_name(name)) for name in names)


def _is_allowed(name: str, allowed: frozenset[str]) -> bool:
    return name in allowed or "*" in allowed


def _outside(
    bound: set[BoundName], tree: ProjectTree, own: TreeProject, allowed: frozenset[str]
) -> list[BoundName]:
    in_tree = {own.name, *tree.by_name, *tree.module_names}
    return [
        name
        for name in bound
        if name.name not in in_tree and not (name.name and _is_allowed(name.name, allowed))
    ]


def _local_names(
    in_tree: Iterable[str], bound: set[BoundName], own: TreeProject, allowed: frozenset[str]
) -> frozenset[str]:
    names = {*in_tree, *(name.name for name in bound)} - {"", own.name}
    return frozenset(name for name in names if not _is_allowed(name, allowed))


def _add_module(path: str, folders: dict[str, str]) -> None:
    """Add a module beside the tests (`helpers.py`): it is importable from the tests' folder."""
    if path.endswith(".py"):
        folders.setdefault(posixpath.basename(path).removesuffix(".py"), posixpath.dirname(path))
