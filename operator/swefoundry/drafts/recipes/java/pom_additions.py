"""Artifacts that only the POMs after the fix ask for; the tests cannot download them.

What is written into the Dockerfile is coordinates alone, not the POM, which is part of the fix.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from swefoundry.drafts.recipes.java.java_project import POM, JavaProject, MavenModule
from swefoundry.drafts.recipes.java.pom import EffectivePom, Pom, language_level, read_pom, with_parents

_PLUGINS_GROUP = "org.apache.maven.plugins"
_COORDINATES = ("groupId", "artifactId", "version", "type", "classifier", "scope")
_REQUESTS = ("dependency", "plugin", "artifactItem")
"""Elements that ask for an artifact; of the last kind are those that maven-dependency-plugin copies or unpacks."""
_UNWRITABLE = re.compile(r"[^\w.,${}()\[\]-]")
"""What no coordinate has, and what could end the text that a Dockerfile writes."""
_PLAIN_NAME = re.compile(r"[\w.-]+")
_TIME = "project.build.outputTimestamp"
"""Parents whose builds are reproducible refuse a project that inherits this property (maven-artifact-plugin)."""
_VERSION_PROPERTY = re.compile(r"[\w.-]*version[\w.-]*", re.IGNORECASE)
_VERSION = re.compile(r"\d[\w.+-]*")
_LEVEL_PROPERTY = re.compile(
    r"jdk|java(?!cc|doc|fx|mail|parser|poet|ssist|x)|compiler?\.(?:test)?(?:source|target|release)$"
    r"|^(?:source|target|release)(?:[._-]?(?:level|version))?$",
    re.IGNORECASE,
)
"""Names of properties that may have a level of the language, such as `javaVersion` and `maven.compiler.source`.

`commons.release.version` is that of the project, and `javafx.version` that of a library.
"""
_MAX_POMS = 4


@dataclass(frozen=True, order=True)
class PomEntry:
    """A dependency, a plugin or a parent with its coordinates, properties put in."""

    kind: str
    """Name of its element."""
    coordinates: tuple[tuple[str, str], ...]

    @property
    def name(self) -> str:
        return dict(self.coordinates).get("artifactId", "")

    @property
    def has_version(self) -> bool:
        return "version" in dict(self.coordinates)

    @property
    def is_import(self) -> bool:
        """Whether it is a list from which others take their versions."""
        return ("scope", "import") in self.coordinates

    @property
    def identity(self) -> tuple[str, ...]:
        """What two entries of one artifact have in common."""
        return self.kind, *(value for name, value in self.coordinates if name not in ("version", "scope"))

    @property
    def xml(self) -> str:
        inner = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in self.coordinates)
        return f"<{self.kind}>{inner}</{self.kind}>"


@dataclass(frozen=True)
class AddedPom:
    """A POM with nothing but artifacts that a POM after the fix asks for."""

    text: str
    plugins: tuple[str, ...]
    """Names of its own plugins, which run nothing, as far as a shell takes them as they are."""


def added_by_fix(project: JavaProject) -> list[AddedPom]:
    """Return POMs with the artifacts of those to which the fix adds one."""
    after = fixed_poms(project)
    own = own_artifacts(project.poms, after)
    found = (_added_to(folder, project.poms, after, own) for folder in sorted(after))
    return [pom for pom in found if pom is not None][:_MAX_POMS]


def fixed_poms(project: JavaProject) -> dict[str, Pom]:
    """Return the POMs of the tree after the fix, by folder."""
    folders = (file.path.rpartition("/") for file in project.facts.fixed_manifests or [])
    texts = {file.path: file.text for file in project.facts.fixed_manifests or []}
    read = {
        folder: read_pom(folder, texts[f"{folder}{slash}{name}"])
        for folder, slash, name in folders
        if name == POM
    }
    return {**project.poms, **{folder: pom for folder, pom in read.items() if pom is not None}}


def modules_of_fix(project: JavaProject) -> Iterator[tuple[MavenModule, EffectivePom, EffectivePom]]:
    """Yield the modules, each with its POM before and after the fix."""
    after = fixed_poms(project)
    for module in project.modules:
        folder = "" if module.folder == "." else module.folder
        if folder in project.poms and folder in after:
            old, new = ((poms[folder], poms) for poms in (project.poms, after))
            yield module, EffectivePom(tuple(with_parents(*old))), EffectivePom(tuple(with_parents(*new)))


def levels_of_fix(project: JavaProject) -> dict[str, int]:
    """Return the properties with a level of the language that the POMs of the modules have higher after the fix.

    Its tests may be written for that level: before it they would not compile for that reason alone.
    """
    found: dict[str, int] = {}
    for _, old, new in modules_of_fix(project):
        found |= _raised(old.properties, new.properties)
    return found


def _raised(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, int]:
    levels = {
        name: (language_level(old[name]), language_level(new[name]))
        for name in old.keys() & new.keys()
        if _LEVEL_PROPERTY.search(name)
    }
    return {
        name: after
        for name, (before, after) in levels.items()
        if before is not None and after is not None and before < after
    }


def own_artifacts(*trees: Mapping[str, Pom]) -> set[str]:
    """Return the names of the projects of trees, which no repository is asked for."""
    return {name for poms in trees for pom in poms.values() for name in _names_of(pom)}


def outer_versions(pom: EffectivePom) -> list[PomEntry]:
    """Return the parents and imports of a chain, from which dependencies without a version take theirs."""
    entries = _entries(pom)
    return sorted(each for each in entries if each.kind == "parent" or each.is_import)


def _names_of(pom: Pom) -> Iterable[str]:
    name = pom.root.findtext("artifactId")
    return [name.strip()] if name else []


def _added_to(
    folder: str, before: Mapping[str, Pom], after: Mapping[str, Pom], own: set[str]
) -> AddedPom | None:
    """Return the POM for one of the tree; None where the fix adds nothing to it."""
    old = EffectivePom(tuple(with_parents(before[folder], before) if folder in before else ()))
    new = EffectivePom(tuple(with_parents(after[folder], after)))
    known, every = set(_entries(old)), _entries(new)
    added = [each for each in every if each not in known]
    properties = _versions(new) if _outer_parents(every, own) else {}
    changed = not properties.items() <= _versions(old).items()
    if not changed and not any(each.has_version and each.name not in own for each in added):
        return None
    return _pom_of([*_direct(new), *added], every, own, properties)


def _direct(pom: EffectivePom) -> list[PomEntry]:
    """Return what the nearest POM itself uses: its dependencies, and the plugins that it runs or extends Maven with.

    Another release of the parent may give them other versions, although they are asked for as before.
    """
    root = pom.chain[0].root
    plugins = [
        each
        for each in root.findall("build/plugins/plugin")
        if each.find("executions") is not None or each.find("extensions") is not None
    ]
    return [pom_entry(each, pom) for each in [*root.findall("dependencies/dependency"), *plugins]]


def _outer_parents(entries: Iterable[PomEntry], own: set[str]) -> list[PomEntry]:
    """The parent that the tree does not have, as a list of one; empty where the tree has all."""
    return [each for each in entries if each.kind == "parent" and each.name not in own][:1]


def _versions(pom: EffectivePom) -> dict[str, str]:
    """Return the properties that are versions: a parent takes those of its plugins from them."""
    texts = {name: pom.interpolated(text) for name, text in pom.properties.items()}
    return {
        name: text
        for name, text in texts.items()
        if _VERSION_PROPERTY.fullmatch(name) and _VERSION.fullmatch(text)
    }


def _entries(pom: EffectivePom) -> list[PomEntry]:
    """Every dependency, plugin, copied artifact and parent of the chain without reports and unknown properties."""
    reports = {each for part in pom.chain for each in part.root.findall("reporting//plugin")}
    every = [each for part in pom.chain for each in part.root.iter() if each.tag in _REQUESTS]
    elements = [each for each in every if each not in reports]
    elements += [each for part in pom.chain for each in part.root.findall("parent")]
    found = (pom_entry(each, pom) for each in elements)
    return [each for each in found if each.name and "${" not in each.xml]


def pom_entry(element: Element, pom: EffectivePom) -> PomEntry:
    """Return an element with its coordinates; without any where one could not be written into a Dockerfile."""
    texts = {name: pom.interpolated((element.findtext(name) or "").strip()) for name in _COORDINATES}
    kind = "dependency" if element.tag == "artifactItem" else element.tag
    if any(_UNWRITABLE.search(text) for text in texts.values()):
        return PomEntry(kind, ())
    if kind == "plugin" and not texts["groupId"]:
        texts["groupId"] = _PLUGINS_GROUP
    if texts["scope"] != "import":
        del texts["scope"]
    return PomEntry(kind, tuple((name, value) for name, value in texts.items() if value))


def _pom_of(
    requested: list[PomEntry], every: list[PomEntry], own: set[str], properties: Mapping[str, str]
) -> AddedPom:
    """One line for each artifact, so that a reader sees what is asked for.

    An artifact without a version has that of the tree's management, else that of the outer parent or of an import.
    """
    outer = _outer_parents(every, own)
    imports = [each for each in every if each.is_import and each.has_version and each.name not in own]
    versions = {each.identity: each for each in every if each.has_version and not each.is_import}
    chosen: dict[tuple[str, ...], PomEntry] = {}
    for each in requested:
        entry = each if each.has_version else versions.get(each.identity, each)
        if each.name not in own and not each.is_import and (entry.has_version or outer or imports):
            chosen.setdefault(each.identity, entry)
    usable = [each for each in chosen.values() if "${" not in each.xml]
    return _rendered(outer, imports, usable, {_TIME: "1980-01-02T00:00:00Z", **properties})


def _rendered(
    outer: list[PomEntry], imports: list[PomEntry], chosen: list[PomEntry], properties: Mapping[str, str]
) -> AddedPom:
    plugins = [each for each in chosen if each.kind == "plugin" and (each.has_version or outer)]
    names = (each.name for each in plugins if _PLAIN_NAME.fullmatch(each.name))
    lines = [
        "<project>",
        "<modelVersion>4.0.0</modelVersion>",
        *(each.xml for each in outer),
        "<groupId>added</groupId><artifactId>added</artifactId><version>0</version>",
        "<properties>",
        *(f"<{name}>{text}</{name}>" for name, text in properties.items()),
        "</properties>",
        "<dependencyManagement><dependencies>",
        *(each.xml for each in dict.fromkeys(imports)),
        "</dependencies></dependencyManagement>",
        "<dependencies>",
        *(each.xml for each in chosen if each.kind == "dependency"),
        "</dependencies>",
        "<build><plugins>",
        *(each.xml for each in plugins),
        "</plugins></build>",
        "</project>",
    ]
    return AddedPom("\n".join(lines) + "\n", tuple(sorted(set(names))))
