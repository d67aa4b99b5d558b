"""Read a pom.xml: what the recipe needs of Maven's model, with properties put in. Nothing external is loaded."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

_PROPERTY = re.compile(r"\$\{([^${}]+)\}")
ARG_LINE = re.compile(r"[@$]\{argLine\}")
EMPTY_ARG_LINE = "-DargLine="
"""Sets the property that the tests' JVM is given for this reference, which remains where no plugin sets it."""
_COMPILER = "maven-compiler-plugin"
LEVEL_NAMES = ("release", "source", "target", "testRelease", "testSource", "testTarget")
"""Parameters of the compiler's plugin; the properties of the same meaning are `maven.compiler.source` and so on."""


@dataclass(frozen=True)
class Pom:
    """One pom.xml, without what it inherits."""

    folder: str
    """Relative to the source's root; empty for the root."""
    root: Element

    @cached_property
    def properties(self) -> dict[str, str]:
        """Those of the project and of its profiles; the project's own win."""
        tables = [*self.root.findall("profiles/profile/properties"), *self.root.findall("properties")]
        return {each.tag: (each.text or "").strip() for table in tables for each in table}

    @cached_property
    def module_folders(self) -> frozenset[str]:
        """Folders of its modules, relative to the source's root."""
        found = [*self.root.findall("modules/module"), *self.root.findall("profiles/profile/modules/module")]
        paths = [(each.text or "").strip().removesuffix("/pom.xml") for each in found]
        joined = (posixpath.normpath(posixpath.join(self.folder, path)) for path in paths if path)
        return frozenset("" if path == "." else path for path in joined)

    @property
    def parent_folder(self) -> str | None:
        """Where the parent's pom.xml would be; None without a parent, or with one that is never in the tree."""
        parent = self.root.find("parent")
        if parent is None:
            return None
        stated = parent.find("relativePath")
        path = "../pom.xml" if stated is None else (stated.text or "").strip()
        if not path:
            return None
        above = posixpath.normpath(posixpath.join(self.folder or ".", path.removesuffix("pom.xml") or "."))
        return "" if above == "." else above

    @property
    def packaging(self) -> str:
        """`jar` where nothing is stated."""
        return _text(self.root, "packaging") or "jar"

    @cached_property
    def compiler_settings(self) -> list[str]:
        """Values of the compiler plugin's levels, as they are written."""
        plugins = [each for each in self.root.iter("plugin") if _text(each, "artifactId") == _COMPILER]
        tables = [table for plugin in plugins for table in plugin.findall("configuration")]
        return [value for table in tables for name in LEVEL_NAMES if (value := _text(table, name))]


def read_pom(folder: str, text: str) -> Pom | None:
    """Return the POM; None for what is no XML, or no project."""
    try:
        root: Element = fromstring(text.encode(), forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return None
    for each in root.iter():
        each.tag = each.tag.rpartition("}")[2]
    return Pom(folder, root) if root.tag == "project" else None


def _text(element: Element, name: str) -> str:
    return (element.findtext(name) or "").strip()


def with_parents(pom: Pom, poms: Mapping[str, Pom]) -> list[Pom]:
    """Return the POM and its parents in the tree, nearest first."""
    chain = [pom]
    while (above := chain[-1].parent_folder) is not None and above in poms and poms[above] not in chain:
        chain.append(poms[above])
    return chain


@dataclass(frozen=True)
class EffectivePom:
    """A POM with the properties that it inherits from parents in the tree."""

    chain: tuple[Pom, ...]
    """Nearest first."""

    @cached_property
    def properties(self) -> dict[str, str]:
        merged: dict[str, str] = {}
        for pom in reversed(self.chain):
            merged |= pom.properties
        return merged

    def interpolated(self, text: str) -> str:
        """Put properties in; those that nothing in the tree defines stay."""
        for _ in range(5):
            replaced = _PROPERTY.sub(lambda match: self.properties.get(match[1], match[0]), text)
            if replaced == text:
                break
            text = replaced
        return text

    @cached_property
    def levels(self) -> dict[str, int]:
        """Levels of the language by the property that sets them; those without a property have the empty name."""
        found: dict[str, int] = {}
        for name, value in self._level_settings():
            while (match := _PROPERTY.fullmatch(value)) is not None and match[1] in self.properties:
                name, value = match[1], self.properties[match[1]]
            if (level := language_level(value)) is not None:
                found[name] = min(level, found.get(name, level))
        return found

    @property
    def needs_arg_line(self) -> bool:
        """Whether options of the tests' JVM name the property `argLine`, which only a skipped plugin, JaCoCo, sets."""
        lines = (each.text or "" for pom in self.chain for each in pom.root.iter("argLine"))
        return "argLine" not in self.properties and any(map(ARG_LINE.search, lines))

    def _level_settings(self) -> Iterator[tuple[str, str]]:
        for name in (*(f"maven.compiler.{each}" for each in LEVEL_NAMES), "java.version"):
            if name in self.properties:
                yield name, self.properties[name]
        for pom in self.chain:
            for value in pom.compiler_settings:
                yield "", value


def language_level(text: str) -> int | None:
    """Return 8 for `8` and `1.8`."""
    match = re.fullmatch(r"(?:1\.)?(\d{1,2})(?:\.0)?", text.strip())
    return int(match[1]) if match else None
