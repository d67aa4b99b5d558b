"""Lists folders, finds paths and finds lines in the source tree, limited by counts and bytes, never by time.

With a time limit the result would depend on the machine, and another result is another request to the model. Patterns
are literal text with `|` and `.*`, matched in linear time: a full regular expression over hostile files may never end.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

from swefoundry.programs.agent.data_delimiters import delimited
from swefoundry.programs.agent.repo.tree import InvalidPath, RepoEntry, RepoTree, decode_text, is_binary

MAX_FOUND_PATHS = 150
MAX_FOUND_LINES = 80
SEARCHED_FILE_BYTES = 1 << 20
"""Of each file; the rest of a larger file is not searched."""
SEARCHED_TOTAL_BYTES = 128 << 20
"""Of all files together."""
FOUND_LINE_CHARACTERS = 240
MAX_PATTERN_CHARACTERS = 300
_CHARACTER_CLASS = re.compile(r"\\[A-Za-z]")
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class GrepQuery:
    """A pattern, a folder or file, and a glob for file names."""

    pattern: str
    path: str
    files: str


def list_folder(tree: RepoTree, path: str, depth: int, limit: int) -> str:
    """The entries of a folder, ``depth`` levels deep."""
    folder = tree.resolve_folder(path)
    start = f"{folder}/" if folder else ""
    inside = [
        entry
        for entry in tree.entries
        if entry.path.startswith(start) and entry.path[len(start) :].count("/") < depth
    ]
    if not inside:
        return "The folder is empty."
    lines = [_describe_entry(entry, start) for entry in inside[:limit]]
    more = f"\n{len(inside) - limit} more; list a folder of it, or use find." if len(inside) > limit else ""
    return delimited(path, "\n".join(lines)) + more


def find_paths(tree: RepoTree, pattern: str) -> str:
    """Paths that match a glob, ignoring case; a glob without a slash matches names."""
    glob = _checked_pattern(pattern).strip("/").lower()
    whole_path = "/" in glob
    paths = [entry.path for entry in tree.entries if _matches_glob(entry.path.lower(), glob, whole_path)]
    if not paths:
        return "No path matches."
    more = f"\n{len(paths) - MAX_FOUND_PATHS} more." if len(paths) > MAX_FOUND_PATHS else ""
    return delimited(pattern, "\n".join(paths[:MAX_FOUND_PATHS])) + more


def grep_lines(tree: RepoTree, query: GrepQuery) -> str:
    """`path:line: text` of every matching line, up to a limit."""
    unsupported = _CHARACTER_CLASS.search(query.pattern)
    if unsupported:
        raise InvalidPath(f"grep supports plain text, `|` and `.*`, not `{unsupported[0]}`")
    alternatives = _alternatives(_checked_pattern(query.pattern))
    lines = list(_matches_within_limits(tree, query, alternatives))
    if not lines:
        return "No line matches."
    more = "\nThere may be more; search for something rarer." if len(lines) > MAX_FOUND_LINES else ""
    return delimited(query.pattern, "\n".join(lines[:MAX_FOUND_LINES])) + more


def _matches_within_limits(tree: RepoTree, query: GrepQuery, alternatives: list[list[str]]) -> Iterator[str]:
    room, shown = SEARCHED_TOTAL_BYTES, 0
    for path in _searched_files(tree, query):
        data = tree.head(path, SEARCHED_FILE_BYTES)
        room -= len(data)
        if room < 0 or shown > MAX_FOUND_LINES:
            return
        if is_binary(data):
            continue
        for number, line in enumerate(decode_text(data).splitlines(), 1):
            if _matches_any(line.lower(), alternatives):
                shown += 1
                yield f"{path}:{number}: {line.strip()[:FOUND_LINE_CHARACTERS]}"


def _searched_files(tree: RepoTree, query: GrepQuery) -> Iterator[str]:
    glob = query.files.lower()
    try:
        folder = tree.resolve_folder(query.path)
    except InvalidPath:
        tree.head(query.path, 0)  # raises InvalidPath unless it is a file
        yield query.path
        return
    start = f"{folder}/" if folder else ""
    for path in tree.files:
        if path.startswith(start) and _matches_glob(path.lower(), glob, "/" in glob):
            yield path


def _alternatives(pattern: str) -> list[list[str]]:
    """For each alternative, the texts that a line has to contain in this order."""
    split = [
        [_ESCAPED.sub(r"\1", part) for part in each.strip("^$").split(".*") if part]
        for each in pattern.lower().split("|")
    ]
    kept = [parts for parts in split if parts]
    if not kept:
        raise InvalidPath("the pattern is empty")
    return kept


def _matches_any(line: str, alternatives: list[list[str]]) -> bool:
    return any(_matches_in_order(line, parts) for parts in alternatives)


def _matches_in_order(line: str, parts: list[str]) -> bool:
    at = 0
    for part in parts:
        at = line.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True


def _matches_glob(path: str, pattern: str, whole: bool) -> bool:
    return fnmatchcase(path if whole else path.rpartition("/")[2], pattern)


def _checked_pattern(pattern: str) -> str:
    if not pattern.strip() or len(pattern) > MAX_PATTERN_CHARACTERS:
        raise InvalidPath(f"a pattern has 1 to {MAX_PATTERN_CHARACTERS} characters")
    return pattern


def _describe_entry(entry: RepoEntry, start: str) -> str:
    name = entry.path[len(start) :]
    if entry.kind == "folder":
        return f"{name}/"
    return f"{name} -> {entry.target}" if entry.kind == "link" else f"{name} ({entry.size} bytes)"
