"""The Python projects of a source tree: the one whose tests run, and those of the tree that it needs."""

import posixpath
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python import pyproject, requirement_files, setup_cfg, setup_py
from swefoundry.drafts.recipes.python.bound_names import BoundName, split_bound
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, merge_declared
from swefoundry.drafts.recipes.python.own_extras import with_own_extras
from swefoundry.drafts.recipes.python.requirement_names import requirement_name
from swefoundry.drafts.recipes.python.well_known import is_well_known

BUILD_MANIFESTS = ("pyproject.toml", "setup.cfg", "setup.py")
_REQUIREMENT_FILES = ("requirements.txt", "Pipfile")
_TEST_FOLDERS = frozenset({"test", "tests", "testing"})
NOT_IMPORTED = frozenset(
    {
        *_TEST_FOLDERS,
        "benchmarks",
        "doc",
        "docs",
        "example",
        "examples",
        "scripts",
        "stubs",
        "tools",
        "typings",
    }
)
"""Folders whose modules stand for no requirement."""


@dataclass(frozen=True)
class TreeProject:
    """A project of the tree: what its own manifests declare."""

    folder: str
    """Relative to the root; empty for the root."""
    declared: DeclaredMetadata
    texts: Mapping[str, str]
    """Build manifests by name."""

    @property
    def name(self) -> str:
        """The canonical name of the distribution; empty when it declares none."""
        return str(canonicalize_name(self.declared.name)) if self.declared.name else ""

    @property
    def manifest_text(self) -> str:
        """Text of the build manifests."""
        return "\n".join(self.texts.values())

    def contains(self, module: str) -> bool:
        """Whether a module, given by its path, is importable when the project is installed."""
        return posixpath.dirname(module) in {
            posixpath.join(self.folder, inner).rstrip("/") for inner in _INNER
        }


_INNER = ("", "src", "lib")
"""Folders of a project that hold its packages."""


@dataclass(frozen=True)
class ProjectTree:
    """All manifests of a tree, by path, and its modules."""

    texts: Mapping[str, str]
    modules: tuple[str, ...] = ()

    @cached_property
    def projects(self) -> tuple[TreeProject, ...]:
        """Projects that have a name or can be installed, those near the root first."""
        manifests = (path for path in self.texts if posixpath.basename(path) in BUILD_MANIFESTS)
        folders = {posixpath.dirname(path) for path in manifests if not _TEST_FOLDERS & set(path.split("/"))}
        read = [
            self.read(folder) for folder in sorted(folders, key=lambda folder: (folder.count("/"), folder))
        ]
        return tuple(each for each in read if each.declared.installable or each.declared.name)

    def read(self, folder: str) -> TreeProject:
        """Read the manifests of one folder."""
        texts = {
            name: text
            for name in BUILD_MANIFESTS
            if (text := self.texts.get(posixpath.join(folder, name))) is not None
        }
        merged = merge_declared(
            (
                pyproject.declared(texts.get("pyproject.toml", ""), folder),
                setup_cfg.declared(texts.get("setup.cfg", "")),
                setup_py.declared(texts["setup.py"]) if "setup.py" in texts else DeclaredMetadata(),
                requirement_files.declared(self.texts, folder),
            )
        )
        return TreeProject(folder, without_bound(with_own_extras(merged, folder), folder), texts)

    def project_folder(self, test_files: Iterable[str]) -> str:
        """Return the folder of the project nearest above most of the test files; the root when there is none."""
        folders = {project.folder for project in self.projects}
        loose = {posixpath.dirname(path) for path in self.texts if _is_requirement_file(path)}
        nearest = Counter(_nearest(test, folders) or _nearest(test, loose) or "" for test in test_files)
        return min(nearest, key=lambda folder: (-nearest[folder], folder.count("/"), folder), default="")

    @cached_property
    def by_name(self) -> Mapping[str, TreeProject]:
        """Projects by the name of their distribution."""
        return {project.name: project for project in reversed(self.projects) if project.name}

    @cached_property
    def module_names(self) -> frozenset[str]:
        """Modules of the tree in the spelling of distributions, without those of tests, examples and tools.

        Without well-known names: a folder `docker` or `packaging` is seldom the distribution of that name.
        """
        inner = (module for module in self.modules if not NOT_IMPORTED & set(module.split("/")))
        names = {str(canonicalize_name(module_name(module))) for module in inner}
        return frozenset(name for name in names if not is_well_known(name))

    def at_place(self, bound: BoundName) -> BoundName:
        """Return a bound name completed by the project at its path."""
        found = next((each for each in self.projects if bound.place and each.folder == bound.place), None)
        return replace(bound, name=found.name) if found is not None and not bound.name else bound

    def needed(
        self, own: TreeProject, names: Iterable[str], imports: Iterable[str]
    ) -> tuple[TreeProject, ...]:
        """Return the projects that another one needs, what they need first.

        ``names`` are of distributions, ``imports`` of modules.
        """
        found: dict[str, TreeProject] = {}
        importing = [each for module in imports for each in self._projects_with(module)]
        requested = [self.by_name[name] for name in names if name in self.by_name]
        pending = [*requested, *importing]
        while pending:
            project = pending.pop()
            if project.folder != own.folder and project.folder not in found:
                found[project.folder] = project
                pending += [
                    self.by_name[name] for name in needed_names(project.declared) if name in self.by_name
                ]
        return tuple(sorted(found.values(), key=lambda project: project.folder))

    def _projects_with(self, module: str) -> Iterator[TreeProject]:
        paths = [path for path in self.modules if module_name(path) == module]
        for project in self.projects:
            if any(project.contains(path) for path in paths) and project.folder:
                yield project


def needed_names(declared: DeclaredMetadata) -> set[str]:
    """Return names of the distributions that a project requires, bound ones included."""
    plain = {requirement_name(line) for line in declared.runtime}
    return {*plain, *(name.name for name in declared.bound)} - {""}


def without_bound(declared: DeclaredMetadata, folder: str) -> DeclaredMetadata:
    """Move requirements with a place of their own from the lists to the bound names."""
    runtime, of_runtime = split_bound(declared.runtime, folder)
    test, of_test = split_bound(declared.test, folder)
    dev, of_dev = split_bound(declared.dev, folder)
    features, of_features = split_bound(declared.features, folder)
    bound = dict.fromkeys((*declared.bound, *of_runtime, *of_test, *of_dev, *of_features))
    return replace(declared, runtime=runtime, test=test, dev=dev, features=features, bound=tuple(bound))


def module_name(path: str) -> str:
    """Return `core` for `packages/core/src/core`, `app` for `backend/app.py`."""
    return re.sub(r"\.py$", "", posixpath.basename(path))


def _nearest(test: str, folders: set[str]) -> str | None:
    """Return the nearest folder above a file; a folder of tests is no project."""
    folder = posixpath.dirname(test)
    while True:
        if folder in folders and posixpath.basename(folder) not in _TEST_FOLDERS:
            return folder
        if not folder:
            return None
        folder = posixpath.dirname(folder)


def _is_requirement_file(path: str) -> bool:
    return posixpath.basename(path) in _REQUIREMENT_FILES and bool(posixpath.dirname(path))
