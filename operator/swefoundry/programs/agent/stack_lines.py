"""The lines of the repository's files that the stacks of failures point to."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from swefoundry.programs.agent.repo.tree import InvalidPath, RepoTree, decode_text, is_binary

MAX_PLACES = 6
CONTEXT_LINES = 3
"""Before and after the line that a stack names."""
FILE_LIMIT_BYTES = 1 << 20
LINE_CHARACTERS = 200
_FRAME = re.compile(
    r"""File\ "(?P<python>[^"\n]+)",\ line\ (?P<python_line>\d+)   # Python
    |(?P<path>[\w@./+-]+\.\w+):(?P<line>\d+)                       # pytest, Node, Go, Rust, C
    """,
    re.VERBOSE,
)
_WORKDIR = re.compile(r"^(file://)?/testbed/|^\./")


@dataclass(frozen=True)
class StackLines:
    """Lines around one place that a stack names."""

    path: str
    line: int
    text: str
    """The lines with their numbers."""


def lines_of_stacks(
    tree: RepoTree, stacks: Iterable[str], not_shown: Iterable[str]
) -> tuple[StackLines, ...]:
    """The first places, each once. Files of the test patch are ``not_shown``: the tree has them without the patch."""
    hidden, files = set(not_shown), set(tree.files)
    places: dict[tuple[str, int], None] = {}
    for stack in stacks:
        for path, line in _frames(stack):
            near = any(path == other and abs(line - at) <= CONTEXT_LINES for other, at in places)
            if path in files and path not in hidden and not near:
                places[path, line] = None
    shown = (_lines_at(tree, path, line) for path, line in list(places)[:MAX_PLACES])
    return tuple(each for each in shown if each is not None)


def _frames(stack: str) -> Iterator[tuple[str, int]]:
    for match in _FRAME.finditer(stack):
        path, line = match["python"] or match["path"], match["python_line"] or match["line"]
        yield _WORKDIR.sub("", path), int(line[:9])


def _lines_at(tree: RepoTree, path: str, line: int) -> StackLines | None:
    try:
        data = tree.head(path, FILE_LIMIT_BYTES)
    except (InvalidPath, OSError):
        return None
    lines = [] if is_binary(data) else decode_text(data).splitlines()
    first, last = max(line - CONTEXT_LINES, 1), min(line + CONTEXT_LINES, len(lines))
    if not 1 <= line <= len(lines):
        return None
    numbered = (f"{number}\t{lines[number - 1][:LINE_CHARACTERS]}" for number in range(first, last + 1))
    return StackLines(path, line, "\n".join(numbered))
