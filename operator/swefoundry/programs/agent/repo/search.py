"""How is the source searched? Listings, names and lines; bounded by counts and bytes, never by time.

Time would make the answer depend on the machine, and a different answer is a different request to the model. Patterns
are literal text with `|` and `.*`, matched in linear time: a full regular expression over hostile files can take for
ever.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from swefoundry.programs.agent.data_delimiters import fenced
from swefoundry.programs.agent.repo.tree import BadPath, Entry, Tree, is_binary, text

FOUND_PATHS = 150
FOUND_LINES = 80
FILE_BYTES = 1 << 20
"""Of each file; what is larger is data."""
TOTAL_BYTES = 128 << 20
"""Of all files together."""
LINE_CHARACTERS = 240
PATTERN_CHARACTERS = 300
_CLASS = re.compile(r"\\[A-Za-z]")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Search:
    """What to look for, and where."""

    pattern: str
    path: str
    files: str


def listing(tree: Tree, path: str, depth: int, limit: int) -> str:
    """A folder's entries, some levels deep."""
    folder = tree.folder(path)
    start = f"{folder}/" if folder else ""
    inside = [
        entry
        for entry in tree.entries
        if entry.path.startswith(start) and entry.path[len(start) :].count("/") < depth
    ]
    if not inside:
        return "The folder is empty."
    lines = [_shown(entry, start) for entry in inside[:limit]]
    more = f"\n{len(inside) - limit} more; list a folder of it, or use find." if len(inside) > limit else ""
    return fenced(path, "\n".join(lines)) + more


def found(tree: Tree, pattern: str) -> str:
    """Paths that a glob fits, in any letter case; without a slash it is for names."""
    wanted = _bounded(pattern).strip("/").lower()
    whole = "/" in wanted
    paths = [entry.path for entry in tree.entries if _fits(entry.path.lower(), wanted, whole)]
    if not paths:
        return "Nothing is called so."
    more = f"\n{len(paths) - FOUND_PATHS} more." if len(paths) > FOUND_PATHS else ""
    return fenced(pattern, "\n".join(paths[:FOUND_PATHS])) + more


def matching_lines(tree: Tree, search: Search) -> str:
    """`path:line: text` of every line that fits, up to a limit."""
    sign = _CLASS.search(search.pattern)
    if sign:
        raise BadPath(f"grep knows plain text, `|` and `.*`, and no `{sign[0]}`")
    alternatives = _alternatives(_bounded(search.pattern))
    lines = list(_bounded_matches(tree, search, alternatives))
    if not lines:
        return "No line fits."
    more = "\nThere may be more; search for something rarer." if len(lines) > FOUND_LINES else ""
    return fenced(search.pattern, "\n".join(lines[:FOUND_LINES])) + more


def _bounded_matches(tree: Tree, search: Search, alternatives: list[list[str]]) -> Iterator[str]:
    room, shown = TOTAL_BYTES, 0
    for path in _candidates(tree, search):
        data = tree.head(path, FILE_BYTES)
        room -= len(data)
        if room < 0 or shown > FOUND_LINES:
            return
        if is_binary(data):
            continue
        for number, line in enumerate(text(data).splitlines(), 1):
            if _holds(line.lower(), alternatives):
                shown += 1
                yield f"{path}:{number}: {line.strip()[:LINE_CHARACTERS]}"


def _candidates(tree: Tree, search: Search) -> Iterator[str]:
    wanted = search.files.lower()
    try:
        folder = tree.folder(search.path)
    except BadPath:
        tree.head(search.path, 0)  # a file is searched by itself; anything else is refused here
        yield search.path
        return
    start = f"{folder}/" if folder else ""
    for path in tree.files:
        if path.startswith(start) and _fits(path.lower(), wanted, "/" in wanted):
            yield path


def _alternatives(pattern: str) -> list[list[str]]:
    """Per alternative the texts that must follow each other in a line."""
    split = [
        [_ESCAPED.sub(r"\1", part) for part in each.strip("^$").split(".*") if part]
        for each in pattern.lower().split("|")
    ]
    kept = [parts for parts in split if parts]
    if not kept:
        raise BadPath("the pattern is empty")
    return kept


def _holds(line: str, alternatives: list[list[str]]) -> bool:
    return any(_follow(line, parts) for parts in alternatives)


def _follow(line: str, parts: list[str]) -> bool:
    at = 0
    for part in parts:
        at = line.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _fits(path: str, pattern: str, whole: bool) -> bool:
    return fnmatchcase(path if whole else path.rpartition("/")[2], pattern)


def _bounded(pattern: str) -> str:
    if not pattern.strip() or len(pattern) > PATTERN_CHARACTERS:
        raise BadPath(f"a pattern has 1 to {PATTERN_CHARACTERS} characters")
    return pattern


def _shown(entry: Entry, start: str) -> str:
    name = entry.path[len(start) :]
    if entry.kind == "folder":
        return f"{name}/"
    return f"{name} -> {entry.target}" if entry.kind == "link" else f"{name} ({entry.size} bytes)"
