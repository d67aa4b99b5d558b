"""The test command: compile each module of the test files, run their classes in it, and print a log for people."""

import shlex

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.java.java_constraints import JavaConstraints
from swefoundry.drafts.recipes.java.java_project import JavaProject, MavenModule

UNCOMPILED_REPORT = ".swefoundry-report.xml"
"""Names the test classes that do not compile."""
MAVEN_REPORTS = ("**/surefire-reports/TEST-*.xml", UNCOMPILED_REPORT)
NOT_COMPILED = 3
"""Exit code of the command when a class does not compile and no test failed."""

FLAGS_VARIABLE = "MAVEN_FLAGS"
"""Of the image: options that the build and the tests share."""

_CLASSES = r"""set -f
class_of() {
  package=$(sed -n 's/^[[:space:]]*package[[:space:]]\{1,\}\([A-Za-z0-9_.]*\).*/\1./p' "$1" | head -n 1)
  name=${1##*/}; class=$package${name%.java}
  if grep -q '@Nested' "$1"; then echo "$class,$class\$*"; else echo "$class"; fi
}
module_of() {
  d=$(dirname "$1"); until [ -f "$d/pom.xml" ] || [ "$d" = . ]; do d=$(dirname "$d"); done; echo "$d"
}"""
"""Shell functions: the class of a file by its package, and the folder of the nearest pom.xml above it.

Surefire before 3.0 runs nested classes only where they are named.
"""

_COMPILE = r"""compile() {
  for attempt in 1 2 3 4 5 6 7 8; do
    (cd "$root" && mvn -o $MAVEN_FLAGS "$@" -q test-compile) > "$log" 2>&1 && return 0
    cat "$log"
    wrong=$(sed -n 's|^\[ERROR\] SOURCE/\([^:]*\.java\):\[.*|\1|p' "$log" | sort -u)
    case "$wrong" in ''|*src/main/*) return 1 ;; esac
    for f in $wrong; do
      echo "set aside, because it does not compile: $f"; mv "$f" "$f.aside"; aside="$aside $f"
      find . -path "*/test-classes*/$(basename "$f" .java).class" -delete
    done
  done
  return 1
}""".replace("SOURCE", SOURCE_ROOT)
"""A shell function that compiles the sources and tests of one module.

The compiler writes nothing where one file is wrong. Test files with errors are set aside and the rest is compiled
again, which may reveal files that need those.
"""

_RUN = r"""run() {
  module=$1 root=$2 aside=; shift 2
  mine=$(echo "$list" | awk -v m="$module" '$1 == m { print $2, $3 }' | sort -u)
  [ -n "$mine" ] || return 0
  found=1
  if compile "$@"; then broken=$aside; else broken=$(echo "$mine" | cut -d ' ' -f 2); fi
  lost=$(echo "$mine" | awk -v b=" $(echo $broken) " 'index(b, " " $2 " ") { sub(/,.*/, "", $1); print $1 }')
  classes=$(echo "$mine" | awk -v b=" $(echo $broken) " '!index(b, " " $2 " ") { print $1 }')
  if [ -n "$lost" ]; then uncompiled="$uncompiled $lost"; [ $code = 1 ] || code=NOT_COMPILED; fi
  if [ -n "$classes" ]; then
    (cd "$root" && mvn -o $MAVEN_FLAGS "$@" -Dtest="$(echo $classes | tr ' ' ,)" test) || code=1
  fi
  for f in $aside; do mv "$f.aside" "$f"; done
}""".replace("NOT_COMPILED", str(NOT_COMPILED))
"""A shell function that compiles one module and runs its classes, apart from those of files that do not compile."""

_UNCOMPILED = r"""if [ -n "$uncompiled" ]; then {
  echo '<testsuite name="not compiled">'
  for c in $uncompiled; do
    echo "<testcase classname=\"$c\" name=\"\"><error message=\"collection failure: not compiled\"/></testcase>"
  done
  echo '</testsuite>'
} > REPORT; fi"""

_SUMMARY = r"""{ find . -path '*/surefire-reports/TEST-*.xml' -exec cat {} +; cat REPORT 2> /dev/null; } | awk '
function value(key,  at, text) {
  at = index($0, " " key "=\""); if (!at) return ""
  text = substr($0, at + length(key) + 3); text = substr(text, 1, index(text, "\"") - 1)
  gsub(/&quot;/, "\"", text); gsub(/&lt;/, "<", text); gsub(/&gt;/, ">", text); gsub(/&amp;/, "\\&", text); return text
}
/<testcase / { id = value("classname"); if (value("name") != "") id = id "::" value("name"); n++; bad = 0 }
/<(failure|error)[ >\/]/ { if (!bad) { bad = 1; failed++; print "FAILED " id } }
/<skipped[ >\/]/ { skipped++ }
END { printf "== %d failed, %d passed ==\n", failed, n - failed - skipped }'"""
"""Prints failed tests and counts as pytest does."""


def maven_test_command(project: JavaProject, constraints: JavaConstraints) -> str:
    """Return the command.

    Compiling comes first, because Maven ends with 1 for a failed test as well as for a source that does not compile. A
    test file that does not compile hides its own class and those that need it, and sources that do not compile hide the
    classes of their module.
    """
    runs = "\n".join(f"run {_quoted(module)}" for module in project.modules)
    return "\n".join(
        [
            _CLASSES,
            _COMPILE,
            _RUN,
            f"cd {SOURCE_ROOT}; code=0 found= uncompiled= log=$(mktemp)",
            *_jvm_options(constraints),
            f"list=$(for f in {{files}}{_users(project)}; do",
            '  case "$f" in *.java) echo "$(module_of "$f") $(class_of "$f") $f" ;; esac; done)',
            runs,
            f'[ -n "$found" ] || {{ echo "error: no class of Maven in the test files"; code={NOT_COMPILED}; }}',
            _UNCOMPILED.replace("REPORT", UNCOMPILED_REPORT),
            _SUMMARY.replace("REPORT", UNCOMPILED_REPORT),
            "exit $code",
        ]
    )


def _quoted(module: MavenModule) -> str:
    selection = ["-pl", module.selector, "-am"] if module.has_modules else []
    return shlex.join([module.folder, module.root, *selection])


def _jvm_options(constraints: JavaConstraints) -> list[str]:
    options = " ".join(sorted(constraints.jvm_options))
    return [f"export JAVA_TOOL_OPTIONS={shlex.quote(options)}"] if options else []


def _users(project: JavaProject) -> str:
    """Return a command that prints the files that extend changed base classes of tests.

    Where the patch changes no test class at all, those that use a changed helper in any way.
    """
    names = "|".join(project.base_classes if project.has_test_files else project.helper_classes)
    if not names:
        return ""
    before = "extends[[:space:]]+" if project.has_test_files else "(^|[^A-Za-z0-9_])"
    pattern = f"{before}({names})([^A-Za-z0-9_]|$)"
    folders = shlex.join(module.folder for module in project.modules)
    return (
        f" $(find {folders} -path '*/src/test/*' \\( -name '*Test*.java' -o -name '*IT.java' \\)"
        f" -exec grep -lE {shlex.quote(pattern)} {{}} + | sed 's|^\\./||')"
    )
