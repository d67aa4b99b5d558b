"""Metadata that a Python source declares: one value for every build system.

Each reader (`pyproject`, `setup_py`, `setup_cfg`, `requirement_files`) fills in what its files contain;
`merge_declared` joins them, the first reader taking precedence.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from swefoundry.drafts.recipes.python.bound_names import BoundName

TEST_GROUPS = ("test", "tests", "testing", "unittest", "pytest", "test-deps", "tests-require", "testsuite")
"""Names of extras and groups for tests."""

DEV_GROUPS = ("dev", "develop", "development", "devel", "all", "ci")
"""Names of extras and groups that contain the tests' requirements when there is no group for tests."""

_NOT_FEATURE_GROUPS = re.compile(
    r"doc|lint|typ(e|ing)|mypy|style|format|release|build|bench|cov|tox|nox|i18n|sphinx|check|cover"
)

_PYTHON = re.compile(r"Programming Language :: Python :: (\d+)\.(\d+)")


@dataclass(frozen=True)
class DeclaredMetadata:
    """Metadata from one manifest or from all; requirements are strings as written."""

    name: str | None = None
    version: str | None = None
    runtime: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    """From groups for developers: used only where there is none for tests."""
    features: tuple[str, ...] = ()
    """From extras for users: requirements of optional parts of the project."""
    build: tuple[str, ...] = ()
    backend: str | None = None
    requires_python: str | None = None
    pythons: tuple[tuple[int, int], ...] = ()
    """Versions from the classifiers."""
    runtime_known: bool = False
    """The runtime requirements are literals and were all read."""
    installable: bool = False
    """A manifest exists from which the project can be installed."""
    extras: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Requirements by extra, in normalized spelling."""
    limits: tuple[str, ...] = ()
    """Constraints: bounds for distributions that something else may require."""
    bound: tuple[BoundName, ...] = ()
    """Requirements that come from another place than the package index."""


@dataclass(frozen=True)
class RequirementGroups:
    """Named lists of requirements: extras and dependency groups."""

    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def pick(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return all requirements of the groups with these names, in any usual spelling."""
        normalized = set(names)
        chosen = [items for key, items in self.lists.items() if normalized_group(key) in normalized]
        return tuple(item for items in chosen for item in items)

    def test(self) -> tuple[str, ...]:
        """Return requirements of groups for tests."""
        return self.pick(TEST_GROUPS)

    def dev(self) -> tuple[str, ...]:
        """Return requirements of groups for developers."""
        return self.pick(DEV_GROUPS)

    def features(self) -> tuple[str, ...]:
        """Return requirements of all other groups, without those for documentation, linters and the like."""
        known = {*TEST_GROUPS, *DEV_GROUPS}
        names = {normalized_group(key) for key in self.lists}
        return self.pick(name for name in names if name not in known and not _NOT_FEATURE_GROUPS.search(name))

    def normalized(self) -> dict[str, tuple[str, ...]]:
        """Return the lists by normalized name."""
        return {normalized_group(key): items for key, items in self.lists.items()}


def normalized_group(name: str) -> str:
    """Return the one spelling of an extra or group (PEP 685)."""
    return re.sub(r"[-_.\s]+", "-", name).lower()


def python_classifiers(texts: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """Return (3, 11) for `Programming Language :: Python :: 3.11`."""
    found = (_PYTHON.search(text) for text in texts)
    return tuple(sorted({(int(match[1]), int(match[2])) for match in found if match}))


def merge_declared(parts: Iterable[DeclaredMetadata]) -> DeclaredMetadata:
    """Merge in order: of single values the first known one, lists concatenated."""
    parts = list(parts)
    return DeclaredMetadata(
        name=_first(part.name for part in parts),
        version=_first(part.version for part in parts),
        runtime=_joined(part.runtime for part in parts),
        test=_joined(part.test for part in parts),
        dev=_joined(part.dev for part in parts),
        features=_joined(part.features for part in parts),
        build=next((part.build for part in parts if part.build), ()),
        backend=_first(part.backend for part in parts),
        requires_python=_first(part.requires_python for part in parts),
        pythons=tuple(sorted({version for part in parts for version in part.pythons})),
        runtime_known=any(part.runtime_known for part in parts),
        installable=any(part.installable for part in parts),
        extras=_joined_extras(parts),
        limits=_joined(part.limits for part in parts),
        bound=tuple(dict.fromkeys(name for part in parts for name in part.bound)),
    )


def _joined_extras(parts: Iterable[DeclaredMetadata]) -> dict[str, tuple[str, ...]]:
    joined: dict[str, tuple[str, ...]] = {}
    for part in parts:
        joined |= {name: (*joined.get(name, ()), *items) for name, items in part.extras.items()}
    return joined


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _joined(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
