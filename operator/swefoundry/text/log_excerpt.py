"""Select the most diagnostic lines of a build or test log within a character limit.

A log may have a megabyte; strategies and people get 2 KiB. Lines are ranked by patterns, and the best ones are kept in
their order, each once.
"""

import re
from collections.abc import Iterable

EXCERPT_LIMIT = 2048
"""Characters: what fits into a status field and a termination message."""

_LINE_LIMIT = 300
_LIST_LIMIT = 900
_LIST = re.compile(r":[\w.+-]+ \(absent\)")
"""Lists of one line, which have to be whole: what Maven did not find."""
_ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")

_PATTERNS_BY_RANK: tuple[re.Pattern[str], ...] = (
    # the cause in one line
    re.compile(
        r"(ModuleNotFoundError|PackageNotFoundError|DistributionNotFound)\b"
        r"|No module named|cannot import name|fixture '\w+' not found|unrecognized arguments|not found in `markers`"
        r"|No solution found|was not found in the package registry|we can conclude|fatal error:|[Cc]ommand not found"
        r"|Failed to (build|download|parse|resolve)|requires pytest-|\[pytest\] section in|were removed in pytest"
        r"|error: command |unable to execute|natively supported|import file mismatch|INTERNALERROR> \w*(Error|Warning)"
        r"|PytestRemovedIn|No such file or directory|no such option|Temporary failure in name resolution"
        r"|No space left|Killed|MemoryError|manifest unknown|Multiple top-level"
        r"|\.go:\d+:\d+: |missing go\.sum entry|is not in (GOROOT|std)\b|requires (go ?>=|go1|newer Go)|requires Go 1"
        r"|module lookup disabled|inconsistent vendoring|executable file not found|unknown directive: "
        r"|Cannot find (module|package) |ERR_[A-Z]+_[A-Z_]+|: not found$|primordials is not|SyntaxError: "
        r"|npm (ERR!|error) (code|404|notarget) |Could not locate the bindings|opaque origins|imeout of \d+ ?ms"
        r"|^error\[E\d+\]: |could not compile `|requires (rustc|the features)|gated behind the `|The system library `"
        r"|#!?\[(deny|forbid)\(|linker `cc`|failed to find tool|Unable to find libclang|is `cmake` not installed"
        r"|Could not find (`protoc`|directory of OpenSSL)|no target of cargo"
        r"|can't find Rust compiler|Cargo, the Rust|Unknown compiler\(s\)|No CMAKE_C|Could NOT find|use_2to3 is"
        r"|cannot find -l|could not be found for|is required unless|No package .\S+ found"
        r"|in the pkg-config search path|required by 'virtual:world'|[Dd]ependency \S+ .*not found"
        r"|(development|header|devel) (packages?|files?)"
        r"|in offline mode and the artifact|Could not (find|transfer) artifact|no class of Maven"
        r"|: Missing:$|^\[ERROR\] \d+\) [\w.-]+:"
        r"|(release version|invalid (source|target) release:|(Source|Target) option) \d|does not \"opens "
        r"|class file (major )?version|(has )?wrong version \d+"
        r"|Failed to execute goal (?!org\.apache\.maven\.plugins:maven-surefire)|\.java:\[\d+,\d+\] |OutOfMemoryError"
        r"|Java heap space|GC overhead limit|forked VM terminated|[@$]\{argLine\}|Could not reserve enough space"
        r"|(not|n't) .{0,40}\bas root\b|as root without --no-sandbox|how to run \S+ as root|\"root\" execution"
    ),
    # every failing test by name, and how many there are
    re.compile(
        r"^(FAIL|FAILED|ERROR) |^=+ .*\b(failed|errors?|passed|no tests ran)\b.* =+$|^(FAILED|OK) ?\("
    ),
    # what a test saw
    re.compile(
        r"^E   +\w[\w.]*(Error|Exception|Warning|Failed)\b|^ *\w[\w.]*(Error|Exception)( \[\w+\])?(:|$)"
        r"|^ +\w+_test\.go:\d+: |^panic: |^thread '.*' (\(\d+\) )?panicked at "
    ),
    re.compile(
        r"^E   |^ +[-+] ['\"`\[{\w]|^ +([Ee]xpected|[Rr]eceived|actual)\b.*[:=] ?\S"
        r"|^\s*(error|Error|ERROR|usage|hint|help)\b[: ]|\.\w+:\d+:\d+: error: |×|╰─▶|exit (status|code)"
    ),
)
_RAISED = re.compile(r"^(?:E  |INTERNALERROR>)? *(?:TypeError|ImportError|AttributeError)\b")
"""Errors by which a distribution shows that it does not fit others: where they are raised says which one it is."""

_INSTALLED_FRAME = re.compile(
    r"^(?:INTERNALERROR>)? *(?:File \"\S*/site-packages/\S+\", line \d+, in |\S*/site-packages/\S+:\d+: in )"
)
_FRAME = re.compile(r"^(?:INTERNALERROR>)? *(?:File \"\S+\", line \d+, in |\S+\.py:\d+: in )")

_LINES_OF_A_MESSAGE = 3

_OWN_MESSAGE = re.compile(
    r"^ *(?:\w+\.)*\w+(?:Error|Exception): *$"
    r"|bindings file\. Tried:$|No native build was found|Cannot find module '\S*(?:\.node'|/build/Release/)"
)
"""An error of the build itself whose message begins on the next line, or one that names its package there."""

_LAST_LINES = 4
"""The end of a log often has the error in words that no pattern matches."""

_FIRST_OF_RANK = 10
"""So many lines of each rank are taken before the rest: fifty failed tests must not hide their one reason."""


def log_excerpt(log: str, limit: int = EXCERPT_LIMIT) -> str:
    """Return the most diagnostic lines in their order, at most ``limit`` characters."""
    lines = _clean(log)
    chosen: set[int] = set()
    room = limit
    for number in _ranked(lines):
        cost = len(lines[number]) + 1
        if cost <= room:
            chosen.add(number)
            room -= cost
    return "\n".join(lines[number] for number in sorted(chosen))[:limit]


def _clean(log: str) -> list[str]:
    """Remove colours, blank and repeated lines, and cut long lines."""
    lines = (_cut(_ANSI.sub("", line).rstrip()) for line in log.splitlines())
    return list(dict.fromkeys(line for line in lines if line.strip()))


def _cut(line: str) -> str:
    return line[: _LIST_LIMIT if _LIST.search(line) else _LINE_LIMIT]


def _ranked(lines: list[str]) -> Iterable[int]:
    """Return line numbers, most diagnostic first, each once."""
    ranks = [
        [number for number, line in enumerate(lines) if pattern.search(line)] for pattern in _PATTERNS_BY_RANK
    ]
    end = range(max(0, len(lines) - _LAST_LINES), len(lines))
    first = [number for rank in ranks for number in rank[:_FIRST_OF_RANK]]
    rest = [number for rank in ranks for number in rank[_FIRST_OF_RANK:]]
    around = [*_raising_lines(lines), *_message_lines(lines)]
    return dict.fromkeys((*first[:_FIRST_OF_RANK], *around, *reversed(end), *first[_FIRST_OF_RANK:], *rest))


def _raising_lines(lines: list[str]) -> Iterable[int]:
    """Return the first error that installed code raised, or met while it was imported, and where."""
    last = importing = None
    for number, line in enumerate(lines):
        if _FRAME.match(line):
            last = number
            installed = _INSTALLED_FRAME.match(line) and line.endswith("in <module>")
            importing = number if installed else importing
        elif _RAISED.match(line):
            raising = last if last is not None and _INSTALLED_FRAME.match(lines[last]) else importing
            if raising is not None:
                return [raising, raising + 1, number]
        if line.startswith("E  ") or _RAISED.match(line):
            last = importing = None
    return []


def _message_lines(lines: list[str]) -> Iterable[int]:
    """Return the first lines of messages that begin below the name of their error."""
    starts = [number for number, line in enumerate(lines) if _OWN_MESSAGE.search(line)][:_LINES_OF_A_MESSAGE]
    return [at for start in starts for at in range(start, min(start + 1 + _LINES_OF_A_MESSAGE, len(lines)))]
