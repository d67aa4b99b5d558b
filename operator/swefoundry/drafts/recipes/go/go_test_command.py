"""The test command: the packages of the test files, their events as the report, and a log for people."""

import re
import shlex

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.go.go_project import GoProject

GO_REPORT = ".swefoundry-report.json"

_SOURCES = "--include='*.go' --exclude='*_test.go' --exclude-dir=testdata"
"""Options of grep that leave out tests."""

_KEPT = (
    r'/^{"Time":"[^"]*","Action":"\(output\|pause\|cont\|start\)"/d',
    r's/^{"Time":"[^"]*",/{/',
)
"""A sed script that keeps the events that the report needs: 100,000 tests print more than a report may have."""

_READABLE = (
    r's/^.*"Action":"fail","Package":"\([^"]*\)","Test":"\([^"]*\)".*$/FAILED \1::\2/',
    "t print",
    r's/^.*"Output":"\(.*\)"}$/\1/',
    "t output",
    "b",
    ":output",
    "/^=== /d",
    "/^ *--- PASS/d",
    r"s/\\n$//",
    r"s/\\t/    /g",
    r's/\\"/"/g',
    ":print",
    r"s/\\u003c/</g",
    r"s/\\u003e/>/g",
    r"s/\\u0026/\&/g",
    "p",
)
"""A sed script that prints the events' output, and `FAILED package::test` for each failed test, as pytest does."""


def go_test_command(project: GoProject) -> str:
    """Return `go test -json` over the packages of the test files.

    No separate gate is needed: the events tell a package that does not compile from one whose tests fail. vet is off,
    because later releases of it refuse to run what compiles.
    """
    report = f"{SOURCE_ROOT}/{GO_REPORT}"
    kept, script = (" ".join(f"-e {shlex.quote(line)}" for line in lines) for lines in (_KEPT, _READABLE))
    requirements = "".join(f"{each} && " for each in commands_that_require(project))
    counts = " ".join(
        f'$(grep -c \'"Action":"{action}".*"Test"\' {report}) {word}{end}'
        for action, word, end in (("fail", "failed", ","), ("pass", "passed", ""))
    )
    return (
        f"events=$(mktemp) ended=$(mktemp); echo 1 > $ended; "
        f"cd {shlex.quote(_absolute(project.folder))} && {requirements}"
        f"packages=$({_packages(project)}) && "
        f"{{ go test -json -vet=off -count=1 $packages{_further_packages(project)}; echo $? > $ended; }}"
        f" | tee $events | sed -u {kept} > {report}; "
        f'sed -n {script} $events; echo "== {counts} =="; exit $(cat $ended)'
    )


def commands_that_require(project: GoProject) -> list[str]:
    """Return commands that require in go.mod what the tests of the fix do, and change nothing where it does already.

    Tests that use what only the fix requires, or another version of what tests alone import, would not compile before
    the fix for that reason alone, which says nothing about the fix. Versions of what the sources import are part of it.
    """
    added = [
        f"grep -q {shlex.quote(re.escape(module) + '[[:space:]]')} go.mod || {_require(module, version)}"
        for module, version in project.added_requirements
    ]
    changed = [
        f"grep -rqE {_SOURCES} {_import_of(module)} . || {_require(module, version)}"
        for module, version in project.changed_requirements
    ]
    return [f"{{ {each}; }}" for each in (*added, *changed)]


def _import_of(module: str) -> str:
    """Return a pattern of grep -E, quoted for a shell."""
    return shlex.quote(f'"{re.escape(module)}["/]')


def _require(module: str, version: str) -> str:
    return f"go mod edit {shlex.quote(f'-require={module}@{version}')}"


def _packages(project: GoProject) -> str:
    """Return a command that prints the folders of the test files in this module."""
    others = "|".join(f"{shlex.quote(each)}/*" for each in project.other_modules)
    skip = f"{others}) ;; " if others else ""
    own = f"{shlex.quote(project.folder)}/*_test.go" if project.folder else "*_test.go"
    return (
        f'for f in {{files}}; do case "$f" in {skip}{own}) dirname "{SOURCE_ROOT}/$f" ;; esac; done'
        r" | sed 's|/testdata\(/.*\)*$||' | sort -u"
    )


def _further_packages(project: GoProject) -> str:
    """Return the packages that {files} does not name; all where it names none."""
    folders = project.fixture_packages
    if not folders and not project.has_test_files:
        return " ./..."
    return "".join(f" {shlex.quote(_absolute(folder))}" for folder in folders)


def _absolute(folder: str) -> str:
    return f"{SOURCE_ROOT}/{folder}".rstrip("/")
