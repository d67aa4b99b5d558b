"""What a Python source says it needs: one value, whatever the build system.

Each reader (`python_pyproject`, `python_setup_py`, `python_setup_cfg`, `python_requirement_files`) fills what it sees;
`merged` joins them, the earlier word winning.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

TEST_GROUPS = ("test", "tests", "testing", "unittest", "pytest", "test-deps", "tests-require", "testsuite")
"""Extras and groups that are made for tests."""

DEV_GROUPS = ("dev", "develop", "development", "devel", "all", "ci")
"""Extras and groups that hold the tests' needs when there is none of the above."""

_NOT_FEATURE_GROUPS = re.compile(
    r"doc|lint|typ(e|ing)|mypy|style|format|release|build|bench|cov|tox|nox|i18n|sphinx|check|cover"
)

_PYTHON = re.compile(r"Programming Language :: Python :: (\d+)\.(\d+)")


@dataclass(frozen=True)
class DeclaredMetadata:
    """A partial or whole reading of the manifests; requirements are strings as they were written."""

    name: str | None = None
    version: str | None = None
    runtime: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    dev: tuple[str, ...] = ()
    """From groups for developers: used only where nothing speaks of tests."""
    features: tuple[str, ...] = ()
    """From extras for users: what optional parts of the project need."""
    build: tuple[str, ...] = ()
    backend: str | None = None
    requires_python: str | None = None
    pythons: tuple[tuple[int, int], ...] = ()
    """Versions named by the classifiers."""
    runtime_known: bool = False
    """The runtime requirements are literal and were all read."""
    installable: bool = False
    """There is a manifest from which the project can be installed."""


@dataclass(frozen=True)
class RequirementGroups:
    """Named lists of requirements (extras, dependency groups), whatever their names."""

    lists: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def pick(self, names: Iterable[str]) -> tuple[str, ...]:
        """All requirements of the groups with these names, spelled any usual way."""
        wanted = set(names)
        chosen = [items for key, items in self.lists.items() if _normalized_group(key) in wanted]
        return tuple(item for items in chosen for item in items)

    def test(self) -> tuple[str, ...]:
        """The groups for tests."""
        return self.pick(TEST_GROUPS)

    def dev(self) -> tuple[str, ...]:
        """The groups for developers."""
        return self.pick(DEV_GROUPS)

    def features(self) -> tuple[str, ...]:
        """All other groups, without those for documentation, linters and the like."""
        known = {*TEST_GROUPS, *DEV_GROUPS}
        names = {_normalized_group(key) for key in self.lists}
        return self.pick(name for name in names if name not in known and not _NOT_FEATURE_GROUPS.search(name))


def _normalized_group(name: str) -> str:
    return re.sub(r"[-_.\s]+", "-", name).lower()


def python_classifiers(texts: Iterable[str]) -> tuple[tuple[int, int], ...]:
    """(3, 11) for `Programming Language :: Python :: 3.11`."""
    found = (_PYTHON.search(text) for text in texts)
    return tuple(sorted({(int(match[1]), int(match[2])) for match in found if match}))


def merge_declared(parts: Iterable[DeclaredMetadata]) -> DeclaredMetadata:
    """The readings as one: the first that knows a single value has the word, lists are joined in order."""
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
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((value for value in values if value), None)


def _joined(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
