"""Names and version of the project, as its manifests at the root of the tree state them. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from swefoundry.drafts.recipes.python.project_tree import ProjectTree

ROOT_MANIFESTS = frozenset(
    {"pyproject.toml", "setup.cfg", "setup.py", "PKG-INFO", "package.json", "Cargo.toml", "go.mod", "pom.xml"}
)
"""Files at the root from which names and versions are read."""
VERSION_FILES = re.compile(r"(?:(?:src|lib)/)?(?:[^/]+/)?_*(?:init|version|about|meta)_*\.py$")
"""Modules in which Python projects keep their version."""

_NAMES = (
    re.compile(r"^\s*name\s*=\s*[\"']([^\"'\s]+)[\"']", re.MULTILINE),  # Cargo.toml
    re.compile(r"^module\s+(\S+)", re.MULTILINE),
    re.compile(r"<artifactId>\s*([^<\s]+)\s*</artifactId>"),
    re.compile(r"^Name:\s*(\S+)", re.MULTILINE),
)
_VERSIONS = re.compile(
    r"^\s*[\"']?_*version_*[\"']?\s*[=:]\s*[\"']?v?([0-9][^\"'\s,)]*)|<version>\s*([0-9][^<\s]*)",
    re.MULTILINE | re.IGNORECASE,
)
_NAMED_BY = {"Cargo.toml": 0, "go.mod": 1, "pom.xml": 2, "PKG-INFO": 3}


@dataclass(frozen=True)
class Project:
    """The project's own distributions."""

    names: frozenset[str]
    """Canonical names."""
    version: Version | None
    """The latest version that the tree or the spec states; None when none is known."""

    def owns(self, name: str) -> bool:
        """Whether a distribution is the project's."""
        return canonical(name) in self.names

    def is_later(self, version: str) -> bool:
        """Whether a version was released after the tree; an unknown one may have been."""
        number = parse_version(version)
        if number is None or self.version is None:
            return True
        # Versions with a local part or of development are never in an index: they are made from a tree.
        return number > self.version and number.local is None and not number.is_devrelease


def read_project(repository: str, texts: Mapping[str, str], versions: Iterable[str]) -> Project:
    """The project of the manifests ``texts`` (by path), of the repository's name and of known versions."""
    names = {repository, *(name for path, text in texts.items() for name in _names(path, text))}
    names |= {each.name for each in (ProjectTree(dict(texts)).read(""),) if each.name}
    stated = [*versions, *(found for path, text in texts.items() for found in _stated(path, text))]
    numbers = [number for text in stated if (number := parse_version(text)) is not None]
    return Project(frozenset(map(canonical, names)) - {""}, max(numbers, default=None))


def canonical(name: str) -> str:
    """A name in the form in which names of all package managers are compared."""
    return str(canonicalize_name(name))


def parse_version(text: str) -> Version | None:
    """The version; None when the text has none that can be compared."""
    found = re.search(r"\d.*", text)
    try:
        return Version(found[0]) if found else None
    except InvalidVersion:
        return None


def _names(path: str, text: str) -> list[str]:
    if path == "package.json":
        return _json_texts(text, "name")
    pattern = _NAMED_BY.get(path)
    found = _NAMES[pattern].search(text) if pattern is not None else None
    return [found[1]] if found else []


def _json_texts(text: str, field: str) -> list[str]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return []
    value = data.get(field) if isinstance(data, dict) else None
    return [value] if isinstance(value, str) else []


def _stated(path: str, text: str) -> list[str]:
    if path == "package.json":
        return _json_texts(text, "version")
    return [match[1] or match[2] for match in _VERSIONS.finditer(text)]
