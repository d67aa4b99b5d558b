"""The part of the test commands that Maven and Gradle share: compile each module, run its classes, print a log.

A build tool gives the shell commands that compile a module and that run classes in it.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.java.java_constraints import JavaConstraints

UNCOMPILED_REPORT = ".swefoundry-report.xml"
"""Names the test classes that do not compile."""
NOT_COMPILED = 3
"""Exit code of the command when a class does not compile and no test failed."""


@dataclass(frozen=True)
class BuildTool:
    """What Maven and Gradle do differently. Commands see `$module`, `$root`, and further arguments of the module."""

    name: str
    build_files: tuple[str, ...]
    """Names of the files that make a folder a module."""
    compile: str
    """Compiles the sources and tests of a module."""
    test: str
    """Runs `$classes`, which are compiled; there is at least one."""
    wrong_file: str
    """A sed pattern of the compiler's lines; its first group is the path of a file below the source's root."""
    reports: str
    """What `find -path` takes."""


_CLASSES = r"""set -f
class_of() {
  package=$(sed -n 's/^[[:space:]]*package[[:space:]]\{1,\}\([A-Za-z0-9_.]*\).*/\1./p' "$1" | head -n 1)
  name=${1##*/}; class=$package${name%.java}
  if grep -q '@Nested' "$1"; then echo "$class,$class\$*"; else echo "$class"; fi
}
module_of() {
  d=$(dirname "$1"); until IS_MODULE || [ "$d" = . ]; do d=$(dirname "$d"); done; echo "$d"
}"""
"""Shell functions: the class of a file by its package, and the folder of the nearest build file above it.

Surefire before 3.0 runs nested classes only where they are named.
"""

_COMPILE = r"""compile() {
  for attempt in 1 2 3 4 5 6 7 8; do
    (COMPILE) > "$log" 2>&1 && return 0
    cat "$log"
    wrong=$(sed -n 's|WRONG_FILE|\1|p' "$log" | sort -u)
    case "$wrong" in ''|*src/main/*) return 1 ;; esac
    for f in $wrong; do
      echo "set aside, because it does not compile: $f"; mv "$f" "$f.aside"; aside="$aside $f"
      find . -path "*/test-classes*/$(basename "$f" .java).class" -delete
    done
  done
  return 1
}"""
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
    (TEST) || code=1
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

_SUMMARY = r"""{ find . -path 'REPORTS' -exec cat {} +; cat REPORT 2> /dev/null; } | awk '
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


def java_test_command(
    tool: BuildTool,
    modules: Sequence[Sequence[str]],
    more_files: str,
    constraints: JavaConstraints,
    first: str = "",
) -> str:
    """Return the command; ``modules`` are arguments of ``run``, ``more_files`` prints files to run beside the row's.

    ``first`` is a command that runs in the source's root before anything is compiled.

    Compiling comes first, because the tools end with 1 for a failed test as well as for a source that does not compile.
    A test file that does not compile hides its own class and those that need it, and sources that do not compile hide
    the classes of their module.
    """
    is_module = " || ".join(f'[ -f "$d/{name}" ]' for name in tool.build_files)
    report = UNCOMPILED_REPORT
    return "\n".join(
        [
            _CLASSES.replace("IS_MODULE", is_module),
            _COMPILE.replace("COMPILE", tool.compile).replace("WRONG_FILE", tool.wrong_file),
            _RUN.replace("TEST", tool.test),
            f"cd {SOURCE_ROOT}; code=0 found= uncompiled= log=$(mktemp)",
            *_jvm_options(constraints),
            *([first] if first else []),
            f"list=$(for f in {{files}}{more_files}; do",
            '  case "$f" in *.java) echo "$(module_of "$f") $(class_of "$f") $f" ;; esac; done)',
            *(f"run {shlex.join(module)}" for module in modules),
            f'[ -n "$found" ] || {{ echo "error: no class of {tool.name} in the test files"; code={NOT_COMPILED}; }}',
            _UNCOMPILED.replace("REPORT", report),
            _SUMMARY.replace("REPORTS", tool.reports).replace("REPORT", report),
            "exit $code",
        ]
    )


def _jvm_options(constraints: JavaConstraints) -> list[str]:
    options = " ".join(sorted(constraints.jvm_options))
    return [f"export JAVA_TOOL_OPTIONS={shlex.quote(options)}"] if options else []
