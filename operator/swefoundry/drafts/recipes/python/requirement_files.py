"""Read requirement files, tox.ini and Pipfile, and tell which of their lists are for tests."""

import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from swefoundry.drafts.recipes.python.bound_names import (
    BoundName,
    bound_by_tables,
    bound_requirement,
    is_public_index,
)
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, merge_declared
from swefoundry.drafts.recipes.python.setup_cfg import parse_ini
from swefoundry.drafts.recipes.python.unknown_names import split_unknown

_FOR_TESTS = re.compile(r"(^|[-_./])(tests?|testing|pytest|ci)([-_./]|$)")
_FOR_DEVELOPERS = re.compile(r"(^|[-_./])(dev|develop|development|devel)([-_./]|$)")
_RUNTIME = re.compile(r"^(requirements|install_requires)\.(txt|pip|in)$")
_REQUIREMENTS = re.compile(
    r"(^|/)([\w.-]*requirements[\w.-]*|requires[\w.-]*)(/[\w./-]+)?\.(txt|pip|in)$|^(dev|test)[\w-]*\.txt$"
)

_INCLUDE = re.compile(r"^(-[rc]|--requirement|--constraint)[ =]?\s*(.+)$")
_INDEX = re.compile(r"^(?:-i|-f|--(?:extra-)?index-url|--find-links|--index|--default-index)[ =]\s*(\S+)$")
_LINE_OPTIONS = re.compile(r"\s--(?:hash|global-option|install-option|config-settings?)\b")
_EDITABLE = re.compile(r"^(-e|--editable)[ =]\s*(\S+)$")


@dataclass
class RequirementList:
    """Content of a requirement file and of all files that it includes."""

    requirements: list[str] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    """Lines of constraint files."""
    bound: list[BoundName] = field(default_factory=list)


def declared(texts: Mapping[str, str], folder: str = "") -> DeclaredMetadata:
    """Parse all such files of a project's folder; ``texts`` has all files of the tree, by path."""
    lists = [
        _as_declared(purpose, read_requirements(path, texts))
        for path in sorted(texts)
        if (purpose := _purpose(path, folder)) is not None
    ]
    tox = _tox(texts.get(posixpath.join(folder, "tox.ini"), ""), texts, folder)
    return merge_declared(
        (
            *lists,
            _as_declared("test", tox),
            _pipfile(texts.get(posixpath.join(folder, "Pipfile"), ""), folder),
        )
    )


def _as_declared(purpose: str, read: RequirementList) -> DeclaredMetadata:
    lists: dict[str, Any] = {purpose: tuple(read.requirements)}
    return DeclaredMetadata(limits=tuple(read.limits), bound=tuple(read.bound), **lists)


def _purpose(path: str, folder: str) -> str | None:
    """Return the list to which a file's requirements belong; None for files of other folders and purposes."""
    inner = posixpath.relpath(path, folder) if folder else path
    near = not inner.startswith("../") and inner.count("/") <= 1
    if not near or not _REQUIREMENTS.search(inner) or ".egg-info/" in inner:
        return None
    if _RUNTIME.match(inner):
        return "runtime"
    stem = posixpath.splitext(inner)[0]
    if _FOR_TESTS.search(stem):
        return "test"
    return "dev" if _FOR_DEVELOPERS.search(stem) else None


def requirement_lines(path: str, texts: Mapping[str, str]) -> list[str]:
    """Return the ordinary requirements of one file and of the files that it includes."""
    return read_requirements(path, texts).requirements


def read_requirements(path: str, texts: Mapping[str, str]) -> RequirementList:
    """Read a file and those that it includes with `-r` and `-c`, each once.

    A line that names another index binds all names of the list but the well-known ones: nothing says which of them come
    from there.
    """
    found, indexes = RequirementList(), list[str]()
    _read_file(path, texts, _Target(found, indexes, set()), limits=False)
    if not all(is_public_index(url) for url in indexes):
        found.requirements, names = split_unknown(found.requirements)
        found.bound += names
    return found


@dataclass
class _Target:
    found: RequirementList
    indexes: list[str]
    visited: set[tuple[str, bool]]


def _read_file(path: str, texts: Mapping[str, str], target: _Target, *, limits: bool) -> None:
    if (path, limits) in target.visited:
        return
    target.visited.add((path, limits))
    for line in _logical_lines(texts.get(path, "")):
        _read_line(line, path, texts, target, limits)


def _read_line(line: str, path: str, texts: Mapping[str, str], target: _Target, limits: bool) -> None:
    included, index = _INCLUDE.match(line), _INDEX.match(line)
    if included:
        from_file = posixpath.normpath(posixpath.join(posixpath.dirname(path), included[2].strip("\"' ")))
        _read_file(from_file, texts, target, limits=limits or included[1] in ("-c", "--constraint"))
    elif index:
        target.indexes.append(index[1])
    elif limits and bound_requirement(line) is None:
        target.found.limits.append(line)
    elif _EDITABLE.match(line) or not line.startswith("-"):
        target.found.requirements.append(_with_tree_path(line, path, texts))


def _with_tree_path(line: str, path: str, texts: Mapping[str, str]) -> str:
    """Make a path relative to the tree: pip takes it relative to where it runs, people also to the file."""
    if "://" in line or "@" in line or not (_EDITABLE.match(line) or re.match(r"^\.{0,2}/|^\.", line)):
        return line
    option, _, place = line.rpartition(" ")
    bare, bracket, extras = place.partition("[")
    from_file = posixpath.normpath(posixpath.join(posixpath.dirname(path), bare))
    here = posixpath.normpath(bare)
    folder = here if _has_manifest(here, texts) or not _has_manifest(from_file, texts) else from_file
    return f"{option} ./{folder}{bracket}{extras}".strip()


def _has_manifest(folder: str, texts: Mapping[str, str]) -> bool:
    return any(
        posixpath.normpath(posixpath.join(folder, name)) in texts for name in ("pyproject.toml", "setup.py")
    )


def _logical_lines(text: str) -> Iterator[str]:
    """Yield lines with continuations joined, without comments and options of single requirements."""
    pending = ""
    for raw in [*text.splitlines(), ""]:
        if raw.rstrip().endswith("\\"):
            pending += raw.rstrip()[:-1] + " "
            continue
        joined, pending = pending + raw, ""
        line = _LINE_OPTIONS.split(re.split(r"(?:^|\s)#", joined)[0])[0].strip()
        if line:
            yield line


def _tox(text: str, texts: Mapping[str, str], folder: str) -> RequirementList:
    """Return `deps` and `extras` of [testenv]; of lines for one factor (`py27: mock`) those for Python 3, tests and
    coverage.
    """
    parser = parse_ini(text) if text else None
    found = RequirementList()
    if parser is None:
        return found
    for raw in (parser.get("testenv", "deps", fallback="") or "").splitlines():
        _read_tox_line(raw.strip(), texts, folder, found)
    extras = re.split(r"[\s,]+", parser.get("testenv", "extras", fallback="") or "")
    found.requirements += [f".[{extra}]" for extra in extras if re.fullmatch(r"[\w.-]+", extra)]
    return found


def _read_tox_line(line: str, texts: Mapping[str, str], folder: str, found: RequirementList) -> None:
    factor = re.match(r"^([\w!,{}.-]+)\s*:\s+(.+)$|^([\w!,{}.-]+):([^/].*)$", line)
    if factor and not re.search(r"(^|[-,{])(py3|test|cov)", factor[1] or factor[3]):
        return
    line = ((factor[2] or factor[4]) if factor else line).split(" #")[0].strip().replace("{toxinidir}/", "")
    included = re.match(r"^(-[rc])\s*(\S+)$", line)
    if included:
        read = read_requirements(posixpath.normpath(posixpath.join(folder, included[2])), texts)
        if included[1] == "-r":
            found.requirements += read.requirements
        found.limits += read.limits if included[1] == "-r" else read.requirements
        found.bound += read.bound
    elif line and not line.startswith(("#", "-", "{")):
        found.requirements.append(line)


def _pipfile(text: str, folder: str) -> DeclaredMetadata:
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return DeclaredMetadata()
    tables = [table for key in ("packages", "dev-packages") if isinstance(table := data.get(key), dict)]
    sources = [source for source in data.get("source") or [] if isinstance(source, dict)]
    public = frozenset(
        str(source.get("name", "")).lower()
        for source in sources
        if is_public_index(str(source.get("url", "")))
    )
    found = RequirementList(sorted({name for table in tables for name in table}))
    found.bound = [name for table in tables for name in bound_by_tables(table, folder, public | {"pypi"})]
    if sources and not is_public_index(str(sources[0].get("url", ""))):
        found.requirements, names = split_unknown(found.requirements)
        found.bound += names
    return _as_declared("dev", found)
