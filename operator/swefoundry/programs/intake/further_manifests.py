"""Manifests beyond those near the root: of projects and packages in deeper folders, and files that others include."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import PurePosixPath

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.programs.intake.manifests import (
    PYTHON_PROJECT,
    included_files,
    nested_projects,
    workspace_packages,
)

_MAX_FILES, _MAX_CHARACTERS = 256, 512 << 10
"""Bounds of their part of facts.json, which the operator reads for every draft."""

_MANIFESTS_OF_PROJECTS = (
    *PYTHON_PROJECT[:3],
    *("go.mod", "package.json", "Cargo.toml", "pom.xml", "build.gradle", "build.gradle.kts"),
)

ReadFact = Callable[[str], FileFact]


def further_manifests(paths: Sequence[str], known: Sequence[FileFact], read: ReadFact) -> list[FileFact]:
    """Return included files first, which few trees have many of, then projects and packages, within the bounds."""
    existing = set(paths)
    found = list(_followed_includes(known, existing, read))
    taken = {file.path for file in (*known, *found)}
    found += map(read, nested_projects(paths, taken)[:_MAX_FILES])
    taken |= {file.path for file in found}
    found += _followed_includes(found, existing - taken, read)
    found += map(read, workspace_packages(paths, {file.path for file in (*known, *found)})[:_MAX_FILES])
    return list(_within_sum(found))


def manifests_above(tests: Iterable[str], paths: set[str], facts: Facts) -> list[str]:
    """Return manifests above the test files that were out of bounds; ``paths`` are files that the patch left as is."""
    known = {file.path for file in (*facts.manifests, *facts.further_manifests)}
    folders = {folder for test in tests for folder in PurePosixPath(test).parents}
    above = {str(folder / name) for folder in folders for name in _MANIFESTS_OF_PROJECTS}
    return sorted((above & paths) - known)


def _followed_includes(known: Iterable[FileFact], existing: set[str], read: ReadFact) -> Iterator[FileFact]:
    """Follow includes of includes; a cycle ends because no file is read twice."""
    pending = list(known)
    queued = {file.path for file in pending}
    while pending:
        file = pending.pop(0)
        for path in sorted((included_files(file.path, file.text) & existing) - queued):
            queued.add(path)
            included = read(path)
            pending.append(included)
            yield included


def _within_sum(files: Iterable[FileFact]) -> Iterator[FileFact]:
    left = _MAX_CHARACTERS
    for file in files:
        left -= len(file.text)
        if left < 0:
            return
        yield file
