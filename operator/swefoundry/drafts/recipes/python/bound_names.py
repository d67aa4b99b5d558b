"""Requirements that a manifest binds to a place: a path, a workspace, a repository, a file, another index.

Their names are never asked from the package index: anybody may have registered the same name there, and that
distribution's code would run in the build.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name

PATH, WORKSPACE, GIT, URL, INDEX = "path", "workspace", "git", "url", "index"

_PUBLIC_INDEXES = (["pypi", "org"], ["pypi", "python", "org"])
"""Hosts of the public index, in parts."""
_MIRROR = re.compile(r"\bmirrors?\b")

_NAMED = re.compile(r"^([A-Za-z0-9](?:[\w.-]*[A-Za-z0-9])?)\s*(?:\[[^\]]*\])?\s*@\s*(\S+)")
_EDITABLE = re.compile(r"^(?:-e|--editable)[ =]\s*")
_REPOSITORY = re.compile(r"^(?:git|hg|svn|bzr)\+|^git@|\.git(?:@[^/]*)?$")
_ARCHIVE = re.compile(r"^(.+?)-\d[^/]*\.(?:whl|zip|tar\.\w+)$")


@dataclass(frozen=True)
class BoundName:
    """A distribution and where its manifest takes it from."""

    name: str
    """Canonical; empty when only the place is known."""
    kind: str
    place: str = ""
    """Of a path: the folder, relative to the root of the tree. Of an index: the name that the manifest gives it."""

    def __str__(self) -> str:
        """Describe it without its URL, which may contain a password."""
        index = f" {self.place}" if self.kind == INDEX and self.place else ""
        return f"{self.name or self.place} ({self.kind}{index})"


def bound(name: str, kind: str, place: str = "") -> BoundName:
    """Return a bound name in canonical spelling."""
    return BoundName(str(canonicalize_name(name)), kind, place)


def bound_requirement(line: str, folder: str = "") -> BoundName | None:
    """Read `name @ URL`, `-e PATH`, `PATH`, `git+URL#egg=name`; None for an ordinary requirement.

    Paths are relative to ``folder``.
    """
    option = _EDITABLE.match(line.strip())
    text = _EDITABLE.sub("", line.strip()).split(" ;")[0].strip()
    named = _NAMED.match(text)
    if named:
        return _at_place(named[1], named[2], folder)
    is_place = text.startswith((".", "/", "~", "file:", "{root")) or "://" in text or _REPOSITORY.search(text)
    if is_place or option or re.match(r"^[\w.-]+/[\w./-]+$|^[\w.-]+\.whl$", text):
        return _at_place("", text, folder)
    return None


def split_bound(lines: Iterable[str], folder: str = "") -> tuple[tuple[str, ...], tuple[BoundName, ...]]:
    """Return ordinary requirements and bound ones."""
    read = [(line, bound_requirement(line, folder)) for line in lines]
    return (
        tuple(line for line, place in read if place is None),
        tuple(place for _, place in read if place is not None),
    )


def is_public_index(url: str) -> bool:
    """Whether an index URL is that of the public index or of a mirror of it."""
    host = (urlsplit(url).hostname or "").split(".")
    return host in _PUBLIC_INDEXES or _MIRROR.search(url) is not None


def _at_place(name: str, place: str, folder: str) -> BoundName:
    egg = re.search(r"[#&]egg=([\w.-]+)", place)
    plain = re.split(r"[#;]|(?<=[\w/.])\[", place)[0]
    known = name or (egg[1] if egg else "")
    if _REPOSITORY.search(plain):
        return bound(known or _repository_name(plain), GIT)
    if plain.startswith("file:") or "://" not in plain:
        return bound(known or _archive_name(plain), PATH, _tree_path(plain, folder))
    return bound(known or _archive_name(plain), URL)


def _repository_name(url: str) -> str:
    tail = re.sub(r"(?:\.git)?(?:@[^/]*)?$", "", url.rstrip("/")).rpartition("/")[2]
    return tail if re.fullmatch(r"[A-Za-z0-9][\w.-]*", tail) else ""


def _archive_name(url: str) -> str:
    match = _ARCHIVE.match(unquote(url).rpartition("/")[2])
    return match[1] if match else ""


def _tree_path(place: str, folder: str) -> str:
    """Return a path relative to the tree; build systems write its root as `${PROJECT_ROOT}` or `{root:uri}`."""
    bare = re.sub(r"^file:(?://)?/?(?=[.$%{])|^file:(?://)?", "", unquote(place))
    bare = re.sub(r"^(?:\$\{?PROJECT_ROOT\}?|\{root(?::uri)?\})/?", "./", bare)
    return "" if bare.startswith("/") else posixpath.normpath(posixpath.join(folder, bare))


def bound_by_tables(sources: dict[str, object], folder: str, public: frozenset[str]) -> Iterator[BoundName]:
    """Read `name = {path = …}` in the spelling of uv, poetry and pipenv; a list of tables counts by each."""
    for name, value in sources.items():
        for table in value if isinstance(value, list) else [value]:
            if isinstance(table, dict):
                yield from _bound_by_table(name, table, folder, public)


def _bound_by_table(
    name: str, table: dict[str, object], folder: str, public: frozenset[str]
) -> Iterator[BoundName]:
    index = table.get("index") or table.get("source")
    path = table.get("path") or table.get("file")
    if table.get("workspace") is True:
        yield bound(name, WORKSPACE)
    elif isinstance(path, str):
        yield _at_place(name, path, folder)
    elif "git" in table or "hg" in table:
        yield bound(name, GIT)
    elif isinstance(table.get("url"), str):
        yield bound(name, URL)
    elif isinstance(index, str) and index.lower() not in public:
        yield bound(name, INDEX, index)
