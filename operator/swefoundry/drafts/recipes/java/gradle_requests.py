"""Read the dependencies of a Gradle build file without running it; versions and names of a catalog are put in."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

CATALOG = "gradle/libs.versions.toml"
PROPERTIES = "gradle.properties"

_COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"\w])//[^\n]*", re.DOTALL)
_CONFIGURATION = r"\w*(?:mplementation|[aA]pi|ompile(?:Only)?|untime(?:Only)?|nnotationProcessor)"
_DECLARATION = re.compile(rf"(?:^|[{{;])[ \t]*({_CONFIGURATION})\b[ \t]*(?=[\s('\"\w])", re.MULTILINE)
_MAX_LINES = 30
"""Of one declaration, which may list dependencies."""
_NOTATION = re.compile(r"['\"]([\w.-]+:[\w.-]+(?::[\w.+${}-]*)*(?:@\w+)?)['\"](?:\s*\+\s*([\w.]+))?")
_PAIRS = re.compile(
    r"group\s*[:=]\s*['\"]([\w.-]+)['\"]\s*,\s*name\s*[:=]\s*['\"]([\w.-]+)['\"]"
    r"(?:\s*,\s*version\s*[:=]\s*['\"]?([\w.+${}-]+))?"
)
_ALIAS = re.compile(r"\blibs\.([A-Za-z][\w.]*)")
_REFERENCE = re.compile(r"\$\{?([A-Za-z][\w.]*)\}?")
_VALUE = re.compile(
    r"([A-Za-z][\w.-]*)['\"]?\]?\s*(?:=|:|,|\bby\s+extra\s*\()\s*['\"]?(\d[\w.+-]*)['\"]?\s*(?=[\n,;)\]]|$)"
)
"""`name = '1.2'`, `name: '1.2'`, `set('name', '1.2')`, `val name by extra("1.2")`, and a line of gradle.properties."""
_COORDINATES = re.compile(r"[\w.-]+:[\w.-]+(?::[\w.+-]+){0,2}(?:@\w+)?")


@dataclass(frozen=True, order=True)
class GradleDependency:
    """A dependency of a module."""

    configuration: str
    """As `testImplementation`."""
    coordinates: str
    """`group:artifact`, with a version where the file has one."""

    @property
    def is_for_tests(self) -> bool:
        return self.configuration.startswith("test")


def requested_dependencies(files: Mapping[str, str], build_files: list[str]) -> frozenset[GradleDependency]:
    """Return the dependencies that build files name, those of ``files`` that a module has.

    Left out are other modules, platforms, and what cannot be read without running the build.
    """
    texts = [_COMMENT.sub("", files[path]) for path in build_files if path in files]
    values = _values([files.get(PROPERTIES, ""), *texts])
    catalog = _catalog(files.get(CATALOG, ""))
    return frozenset(
        GradleDependency(configuration, coordinates)
        for text in texts
        for configuration, body in _declarations(text)
        for written in _written(body, catalog)
        if _COORDINATES.fullmatch(coordinates := _with_values(written, values))
    )


def _values(texts: list[str]) -> dict[str, str]:
    """Return versions by the last part of the name that has them; later files win."""
    return {name.rpartition(".")[2]: value for text in texts for name, value in _VALUE.findall(text)}


def _with_values(written: str, values: Mapping[str, str]) -> str:
    return _REFERENCE.sub(lambda match: values.get(match[1].rpartition(".")[2], match[0]), written)


def _declarations(text: str) -> Iterator[tuple[str, str]]:
    """Yield configurations, each with the lines of its dependencies."""
    for match in _DECLARATION.finditer(text):
        lines = text[match.end() :].split("\n")
        body = lines[0]
        for line in lines[1:_MAX_LINES]:
            if body.count("(") <= body.count(")") and not body.rstrip().endswith(","):
                break
            body += "\n" + line
        if "platform(" not in body.lower():
            yield match[1], body


def _written(body: str, catalog: Mapping[str, list[str]]) -> Iterator[str]:
    """Yield the coordinates of a declaration, references to values as they are written."""
    for notation, variable in _NOTATION.findall(body):
        yield f"{notation}${{{variable}}}" if variable else notation
    for parts in _PAIRS.findall(body):
        yield ":".join(filter(None, parts))
    for alias in _ALIAS.findall(body):
        yield from catalog.get(alias.removesuffix(".get"), [])


def _catalog(text: str) -> dict[str, list[str]]:
    """Return the coordinates of a version catalog by the names that build files use; nothing for what is no TOML."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return {}
    versions = _table(tables, "versions")
    libraries = {
        _accessor(alias): [_library(entry, versions)] for alias, entry in _table(tables, "libraries").items()
    }
    bundles = {
        f"bundles.{_accessor(alias)}": [
            each for member in members for each in libraries.get(_accessor(str(member)), [])
        ]
        for alias, members in _table(tables, "bundles").items()
        if isinstance(members, list)
    }
    return libraries | bundles


def _table(tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = tables.get(name)
    return found if isinstance(found, dict) else {}


def _accessor(alias: str) -> str:
    return re.sub(r"[-_]", ".", alias)


def _library(entry: Any, versions: Mapping[str, Any]) -> str:
    """Return `group:artifact:version`; empty for an entry of another form."""
    if isinstance(entry, str):
        return entry
    if not isinstance(entry, dict):
        return ""
    version = entry.get("version", "")
    if isinstance(version, dict):
        version = versions.get(str(version.get("ref")), "")
    module = entry.get("module") or f"{entry.get('group')}:{entry.get('name')}"
    return ":".join(str(part) for part in (module, version) if part)
