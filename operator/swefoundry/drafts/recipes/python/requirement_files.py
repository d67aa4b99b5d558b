"""Read requirement files, tox.ini and Pipfile, and tell which of their lists are for tests."""

import posixpath
import re
import tomllib
from collections.abc import Mapping

from swefoundry.drafts.recipes.python.declared import DeclaredMetadata
from swefoundry.drafts.recipes.python.setup_cfg import parse_ini

_FOR_TESTS = re.compile(r"(^|[-_./])(tests?|testing|pytest|ci)([-_./]|$)")
_FOR_DEVELOPERS = re.compile(r"(^|[-_./])(dev|develop|development|devel)([-_./]|$)")
_RUNTIME = re.compile(r"^(requirements|install_requires)\.(txt|pip|in)$")
_REQUIREMENTS = re.compile(
    r"(^|/)([\w.-]*requirements[\w.-]*|requires[\w.-]*)(/[\w./-]+)?\.(txt|pip|in)$|^(dev|test)[\w-]*\.txt$"
)


def declared(texts: Mapping[str, str]) -> DeclaredMetadata:
    """Parse all such files, given by path."""
    runtime: list[str] = []
    test: list[str] = []
    dev: list[str] = []
    for path in sorted(texts):
        target = _list_for(path, runtime, test, dev)
        if target is not None:
            target.extend(requirement_lines(path, texts))
    test.extend(_tox(texts.get("tox.ini", ""), texts))
    dev.extend(_pipfile(texts.get("Pipfile", "")))
    return DeclaredMetadata(runtime=tuple(runtime), test=tuple(test), dev=tuple(dev))


def _list_for(path: str, runtime: list[str], test: list[str], dev: list[str]) -> list[str] | None:
    if not _REQUIREMENTS.search(path) or ".egg-info/" in path:
        return None
    if _RUNTIME.match(path):
        return runtime
    stem = posixpath.splitext(path)[0]
    if _FOR_TESTS.search(stem):
        return test
    return dev if _FOR_DEVELOPERS.search(stem) else None


def requirement_lines(path: str, texts: Mapping[str, str], depth: int = 3) -> list[str]:
    """Return the requirements of one file and of the files that it includes with `-r`."""
    found: list[str] = []
    for raw in texts.get(path, "").replace("\\\n", " ").splitlines():
        line = re.split(r"(?:^|\s)#|\s--hash", raw)[0].strip()
        included = re.match(r"^(?:-r|--requirement)[ =]?(.+)$", line)
        if included and depth:
            included_path = posixpath.normpath(posixpath.join(posixpath.dirname(path), included[1].strip()))
            found.extend(requirement_lines(included_path, texts, depth - 1))
        elif line and not line.startswith(("-", ".", "/", "git+", "http")):
            found.append(line)
    return found


def _tox(text: str, texts: Mapping[str, str]) -> list[str]:
    """Return `deps` of [testenv]; of lines for one factor (`py27: mock`) those for Python 3, tests and coverage."""
    parser = parse_ini(text) if text else None
    if parser is None:
        return []
    found: list[str] = []
    for raw in (parser.get("testenv", "deps", fallback="") or "").splitlines():
        found.extend(_tox_line(raw.strip(), texts))
    return found


def _tox_line(line: str, texts: Mapping[str, str]) -> list[str]:
    factor = re.match(r"^([\w!,{}.-]+)\s*:\s*(.+)$", line)
    if factor and not re.search(r"(^|[-,{])(py3|test|cov)", factor[1]):
        return []
    line = factor[2] if factor else line
    included = re.match(r"^-r\s*(?:\{toxinidir\}/)?(\S+)$", line)
    if included:
        return requirement_lines(included[1], texts)
    return [] if not line or line.startswith(("#", "-", ".", "{", "git+", "http")) else [line.split(" #")[0]]


def _pipfile(text: str) -> list[str]:
    try:
        packages = tomllib.loads(text).get("dev-packages", {})
    except tomllib.TOMLDecodeError:
        return []
    return sorted(packages) if isinstance(packages, dict) else []
