"""Dependencies of tests that only the POMs after the fix have, or have in another version; the tests before the fix get
them, too.

Tests that use them would not compile before the fix for that reason alone, which says nothing about the fix. They are
put into pom.xml when the tests run; the fix's own POM has the same ones, and stays as it is.
"""

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from swefoundry.drafts.recipes.java.java_project import JavaProject
from swefoundry.drafts.recipes.java.pom import EffectivePom
from swefoundry.drafts.recipes.java.pom_additions import (
    PomEntry,
    fixed_poms,
    modules_of_fix,
    outer_versions,
    own_artifacts,
    pom_entry,
)

PROGRAM = "/usr/local/lib/add-dependencies.awk"
LIST = "/usr/local/lib/added-dependencies.txt"
VERSIONS = "/tmp/versions"
"""What Maven lists of the projects that have the fix's parents: `group:artifact:type:version:scope` in lines."""
FILL_PROGRAM = "/usr/local/lib/fill-versions.awk"
FILL_VERSIONS = f"cp {LIST} {LIST}.own && awk -v versions={VERSIONS} -f {FILL_PROGRAM} {LIST}.own > {LIST}"
"""A command that gives those without a version the one of the fix's parent."""
_CHANGED = "changed"
"""Ends the lines of dependencies that take the place of others."""
_REMOVED = "removed"
"""Ends the lines of dependencies that the fix takes out."""
KEEP_VERSIONED = f"sed '/<version>/!{{/{_REMOVED}$/!d}}' {LIST}.own > {LIST}"
"""A command that takes those from the list that had no version before."""
LEAVE_UNCHANGED = f"sed -i '/{_CHANGED}$/d' {LIST}*"
"""A command that takes those from the lists that have another version before the fix."""
_TEST_SCOPE = "test"
_JUPITER = "junit-jupiter"
_JUNIT_5 = "<groupId>org[.]junit|junit-jupiter"
"""What of a dependency brings JUnit 5, as extensions of other projects do (mockito-junit-jupiter)."""
_JUNIT_5_IMPORT = "org[.]junit[.]jupiter"
_TESTNG = "testng:jar:"
_TESTNG_IMPORT = "org[.]testng"

FILL = r"""# Prints lines of folder, name, element; those without a version with that which `versions` has.
BEGIN {
  FS = "\t"
  while ((getline line < versions) > 0) {
    sub(/^ +/, "", line); sub(/ .*/, "", line); n = split(line, part, ":")
    if (n == 5) known[part[1] " " part[2] ":" part[3] ":"] = part[4]
    if (n == 6) known[part[1] " " part[2] ":" part[3] ":" part[4]] = part[5]
  }
}
{
  group = $3; sub(/.*<groupId>/, "", group); sub(/<.*/, "", group); key = group " " $2
  if (!(key in known)) sub(/junit-jupiter-engine:/, "junit-jupiter-api:", key)
  if ($3 !~ /<version>/ && key in known) sub(/<scope>/, "<version>" known[key] "</version><scope>")
  print
}
"""

ADD_DEPENDENCIES = r"""# Prints a pom.xml with the dependencies of `list` that it lacks: lines of folder, name, element,
# and `changed` for those that take the place of one with their name. Elements that match `without` are left out, and
# those that the list calls `removed` are, too, where `unused` is their name.
function name_of(tag) { sub(/^<\/?/, "", tag); sub(/[ \t\r\n>].*$/, "", tag); return tag }
function trimmed(text) { gsub(/^[ \t\r\n]+|[ \t\r\n]+$/, "", text); return text }
function missing(  i, all) { for (i = 1; i <= n; i++) if (!(names[i] in known)) all = all elements[i]; return all }
BEGIN {
  while ((getline line < list) > 0) {
    split(line, part, "\t")
    if (part[1] != folder || without && part[3] ~ without) continue
    if (part[4] == "removed") { if (part[2] == unused) replacement[part[2]] = ""; continue }
    names[++n] = part[2]; elements[n] = part[3]
    if (part[4] == "changed") replacement[part[2]] = part[3]
  }
  RS = "\001"
}
{
  rest = $0; out = path = ""; done = 0
  while (match(rest, /<!--|<!\[CDATA\[|<[^!>][^>]*>/)) {
    text = substr(rest, 1, RSTART - 1); tag = substr(rest, RSTART, RLENGTH); rest = substr(rest, RSTART + RLENGTH)
    if (tag == "<!--" || tag == "<![CDATA[") {
      stop = index(rest, tag == "<!--" ? "-->" : "]]>")
      out = out text tag substr(rest, 1, stop + 2); rest = substr(rest, stop + 3)
      continue
    }
    if (tag ~ /^<[?]/) { out = out text tag; continue }
    if (tag ~ /\/>$/) {
      if (path == "/project" && name_of(tag) ~ /^dependencies\/?$/) {
        tag = "<dependencies>" missing() "</dependencies>"; done = 1
      }
      out = out text tag
      continue
    }
    if (tag !~ /^<\//) {
      path = path "/" name_of(tag)
      if (path == "/project/dependencies/dependency") { split("", value); start = length(out text) }
      out = out text tag
      continue
    }
    if (path ~ /^\/project\/dependencies\/dependency\/[^\/]*$/) value[name_of(tag)] = trimmed(text)
    if (path == "/project/dependencies/dependency") {
      name = value["artifactId"] ":" (value["type"] == "" ? "jar" : value["type"]) ":" value["classifier"]
      known[name] = 1
      if (name in replacement) { out = substr(out, 1, start); text = replacement[name]; tag = "" }
    }
    if (path == "/project/dependencies") { text = text missing(); done = 1 }
    if (path == "/project" && !done) text = text "<dependencies>" missing() "</dependencies>"
    sub(/\/[^\/]*$/, "", path)
    out = out text tag
  }
  printf "%s%s", out, rest
}
"""
"""An awk program: base images of Maven have neither Python nor a tool for XML."""


@dataclass(frozen=True, order=True)
class AddedDependency:
    """A dependency that the tests of one module get before the fix."""

    folder: str
    """Of the module, relative to the source's root; `.` is the root."""
    name: str
    """`artifactId:type:classifier`."""
    xml: str
    """Empty for one that the fix takes out."""
    is_changed: bool = False
    """Whether it takes the place of one in another version."""

    @property
    def has_version(self) -> bool:
        return not self.xml or "<version>" in self.xml

    @property
    def line(self) -> str:
        change = [_CHANGED] if self.is_changed else [] if self.xml else [_REMOVED]
        return "\t".join([self.folder, self.name, self.xml, *change])


@dataclass(frozen=True)
class _Requested:
    """A dependency as a POM has it, with what the management in the tree says of it."""

    entry: PomEntry
    """Without any coordinates where the POM's could not be written into a Dockerfile."""
    is_for_tests: bool
    has_exclusions: bool

    @property
    def is_usable(self) -> bool:
        is_known = bool(self.entry.name) and "${" not in self.entry.xml
        return is_known and self.is_for_tests and not self.has_exclusions


def added_test_dependencies(project: JavaProject) -> list[AddedDependency]:
    """Return what only the fixed POMs have with the scope `test`, or have in another version, for each module.

    Left out are modules of the tree and dependencies with exclusions. The version of one may come from a parent or an
    import out of the tree, which may be another release before the fix: the build finds out whether it has one, else
    takes that of the fix's. TestNG is among them, without an element, where the fix replaces it by JUnit 5.
    """
    own = own_artifacts(project.poms, fixed_poms(project))
    found: list[AddedDependency] = []
    for module, old, new in modules_of_fix(project):
        before, after = _requested(old), _requested(new)
        added = [
            AddedDependency(module.folder, name, _with_scope(entry), name in before)
            for name, entry in _with_engine(_added(before, after, bool(outer_versions(old))), before).items()
            if entry.name not in own
        ]
        found += added
        if _TESTNG in before and _TESTNG not in after and any(map(_brings_junit_5, added)):
            found.append(AddedDependency(module.folder, _TESTNG, ""))
    return sorted(found)


def _brings_junit_5(dependency: AddedDependency) -> bool:
    return re.search(_JUNIT_5, dependency.xml) is not None


def _requested(pom: EffectivePom) -> dict[str, _Requested]:
    """Return the dependencies of a POM by name, with version and scope of the management where they have none."""
    managed = {_name(entry): (entry, each) for each in _managed(pom) if (entry := pom_entry(each, pom)).name}
    found: dict[str, _Requested] = {}
    for each in _direct(pom):
        entry = pom_entry(each, pom)
        above, element = managed.get(_name(entry), (entry, each))
        scope = each.findtext("scope") or element.findtext("scope") or ""
        chosen = entry if entry.has_version else above
        requested = _Requested(chosen, scope.strip() == _TEST_SCOPE, _excludes(each, element))
        found.setdefault(_name(entry), requested)
    return found


def _added(
    old: Mapping[str, _Requested], new: Mapping[str, _Requested], has_versions_outside: bool
) -> dict[str, PomEntry]:
    """Return those of the second that the first lacks, or has for tests in another version or in that of a parent."""
    found: dict[str, PomEntry] = {}
    for name, each in new.items():
        known = old.get(name)
        if known is None:
            is_added = each.entry.has_version or has_versions_outside
        else:
            replaceable = known.is_for_tests and not known.has_exclusions
            is_added = replaceable and each.entry.has_version and each.entry != known.entry
        if each.is_usable and is_added:
            found[name] = each.entry
    return found


def _with_engine(added: Mapping[str, PomEntry], known: Mapping[str, _Requested]) -> dict[str, PomEntry]:
    """Return what is added with JUnit 5's engine, where its API alone is added.

    Before surefire 3 no test of JUnit 5 runs without the engine; the fix's parent may have a later release.
    """
    api = added.get(f"{_JUPITER}-api:jar:")
    engines = (f"{_JUPITER}-engine:jar:", f"{_JUPITER}:jar:")
    if api is None or f"{_JUPITER}-api:jar:" in known or {*known, *added}.intersection(engines):
        return dict(added)
    names = {**dict(api.coordinates), "artifactId": f"{_JUPITER}-engine"}
    return {**added, engines[0]: PomEntry(api.kind, tuple(names.items()))}


def _direct(pom: EffectivePom) -> Iterator[Element]:
    for part in pom.chain:
        yield from part.root.findall("dependencies/dependency")


def _managed(pom: EffectivePom) -> Iterator[Element]:
    """The nearest last, so that it counts."""
    for part in reversed(pom.chain):
        yield from part.root.findall("dependencyManagement/dependencies/dependency")


def _excludes(*elements: Element) -> bool:
    return any(each.find("exclusions") is not None for each in elements)


def _name(entry: PomEntry) -> str:
    values: Mapping[str, str] = dict(entry.coordinates)
    return f"{entry.name}:{values.get('type', 'jar')}:{values.get('classifier', '')}"


def _with_scope(entry: PomEntry) -> str:
    return entry.xml.removesuffix("</dependency>") + f"<scope>{_TEST_SCOPE}</scope></dependency>"


def add_dependencies_steps(added: list[AddedDependency]) -> list[str]:
    """Return steps of a Dockerfile that write the programs and the list."""
    if not added:
        return []
    lines = "\n".join(each.line for each in added)
    fill = [] if all(each.has_version for each in added) else [f"RUN cat > {FILL_PROGRAM} <<'EOF'\n{FILL}EOF"]
    return [
        *fill,
        f"RUN cat > {PROGRAM} <<'EOF'\n{ADD_DEPENDENCIES}EOF",
        f"RUN cat > {LIST} <<'EOF'\n{lines}\nEOF",
    ]


def add_dependencies_command(added: list[AddedDependency], where_used: bool = False) -> str:
    """Return a shell command that adds the dependencies to the POMs in the current folder; empty for none.

    ``where_used`` leaves JUnit 5 out of modules that have no test of it: surefire would run no tests of JUnit 4 then.
    It takes TestNG, if the fix does so, from modules that have no test of it: surefire runs its tests alone otherwise.
    """
    folders = shlex.join(sorted({each.folder for each in added}))
    if not folders:
        return ""
    without, choose = "", ""
    if where_used and any(map(_brings_junit_5, added)):
        without = ' -v without="$without"'
        choose = f"without=; {_a_test_has(_JUNIT_5_IMPORT)} || without='{_JUNIT_5}';\n "
    if where_used and any(each.name == _TESTNG and not each.xml for each in added):
        without += ' -v unused="$unused"'
        choose += f"unused=; {_a_test_has(_TESTNG_IMPORT)} || unused={_TESTNG};\n "
    return (
        f'for m in {folders}; do {choose}awk -v list={LIST} -v folder="$m"{without} -f {PROGRAM} "$m/pom.xml"'
        ' > /tmp/pom.xml && cat /tmp/pom.xml > "$m/pom.xml"; done'
    )


def _a_test_has(text: str) -> str:
    return f"grep -rqs --include='*.java' '{text}' \"$m\""
