"""The test command: the targets of the test files one by one, cargo's output as the report, and a log for people."""

import shlex
from collections.abc import Sequence

from swefoundry.contracts.image_layout import SOURCE_ROOT

CARGO_REPORT = ".swefoundry-report.txt"
NO_TARGET = 3
"""Exit code of the command when no target of cargo has the test files."""

_TARGETS = r"""targets() {
  d=$(dirname "$1"); until [ -f "$d/Cargo.toml" ] || [ "$d" = . ]; do d=$(dirname "$d"); done
  own=${1#"$d"/}
  case "$own" in src/*) [ ! -f "$d/src/lib.rs" ] || { echo "$d $d/src/lib.rs --lib"; return; } ;; esac
  known=$(cd "$d" && cargo metadata --no-deps --format-version 1 | sed 's/{"kind":/\n&/g; s|/\./|/|g')
  all=$(echo "$known" | sed -n 's/^{"kind":\["test"\].*"name":"\([^"]*\)","src_path":"\([^"]*\)".*/\2 \1/p')
  found=$(echo "$all" | grep "^$PWD/$1 ")
  case "${found:+tests/}$own" in
    tests/*) ;;
    *) for p in $(echo "$known" | sed -n 's/^{"kind":\["[a-z-]*\(lib\|macro\)".*"src_path":"\([^"]*\)".*/\2/p'); do
        case "$PWD/$1" in "${p%/*}"/*) echo "$d ${p#"$PWD"/} --lib"; return ;; esac
      done
      case "$own" in src/*) echo "$d $d/src/main.rs --bins"; return ;; esac ;;
  esac
  if [ -z "$found" ]; then
    m=$(echo "$own" | sed 's|^[^/]*/\([^/]*\).*|\1|; s|\.rs$||')
    all=$(echo "$all" | grep "^$(cd "$d" && pwd)/tests/")
    found=$(echo "$all" | while read -r p n; do
      case "$p" in
        '') ;;
        */tests/$m/main.rs) echo "$p $n" ;;
        *) ! grep -qE "^ *(pub )?mod +$m *;" "$p" || echo "$p $n" ;;
      esac
    done)
  fi
  echo "${found:-$all}" | while read -r p n; do [ -z "$n" ] || echo "$d ${p#"$PWD"/} --test $n"; done
}"""
"""A shell function that prints folder, path and options of the targets of a test file.

A file of `src`, or of the folder that the manifest gives the library, belongs to the library. A file of `tests` that is
no target of its own is a module of others: of the target of its folder or those that declare it, else perhaps of all.
"""

_SUMMARY = r"""awk '
/^     Running [^ ()]+$/ { if (open) { print "ERROR " t; e++ } t = $2; open = 1 }
/^test result: / { open = 0 }
/^test .* \.\.\. ok$/ { p++ }
/^test .* \.\.\. FAILED$/ { f++; print "FAILED " t "::" $2 }
END { if (open) { print "ERROR " t; e++ } printf "== %d failed, %d errors, %d passed ==\n", f, e, p }'"""
"""Prints failed tests and counts as pytest does."""


_GATES = r"""grep -hE '^ *#!?\[cfg\(' {files} | grep -v 'not(' | grep -oE 'feature *= *"[^"]+"' | cut -d '"' -f 2"""
_FEATURES = rf"""if [ "$code" = 0 ] && ! grep -q '^test .* \.\.\. ' {SOURCE_ROOT}/{CARGO_REPORT}; then
  for feature in $({_GATES} | sort -u); do
    echo "error: no test is compiled, which perhaps requires the features: \`$feature\`"
  done
fi"""
"""Prints the features that attributes of the test files name, as cargo prints those of a target."""


def cargo_test_command(
    options: str, more_files: Sequence[str] = (), *, first: str = "", with_examples: bool = False
) -> str:
    """Return `cargo test` for each target of the test files; ``options`` choose features.

    ``more_files`` are files of the tests beside those that the command is given; ``first`` is lines that run in the
    source's root before all; ``with_examples`` compiles the examples, which some tests start.

    A target that does not compile is an error of that target, and the others are run. No separate gate is needed: the
    report names each target before it is built. Cargo does not see a new file that a macro finds in a folder (automod,
    rstest): the main file of each test target gets the time of the run, so that the target is compiled again.
    """
    report = f"{SOURCE_ROOT}/{CARGO_REPORT}"
    more = "".join(f" {shlex.quote(path)}" for path in more_files)
    examples = f"cargo build --quiet --examples{options}; " if with_examples else ""
    return f"""{_TARGETS}
cd {SOURCE_ROOT} && : > {report}
{first}list=$(for f in {{files}}{more}; do targets "$f"; done | sed 's| \\./| |g' | sort -u)
[ -n "$list" ] || {{ echo "error: no target of cargo has the test files"; exit {NO_TARGET}; }}
code=0
while read -r d p select; do
  echo "     Running $p" >> {report}; case "$select" in --test*) touch -c "$p" 2> /dev/null ;; esac
  (cd "$d" && {{ {examples}cargo test --no-fail-fast{options} $select; }}) >> {report} 2>&1 < /dev/null || code=101
done << LIST
$list
LIST
cat {report}
{_FEATURES}
{_SUMMARY} {report}; exit $code"""
