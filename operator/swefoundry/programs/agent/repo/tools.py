"""What may the Repository Explorer do? Four tools on the read-only source: list, find, grep, read.

Arguments are what a model wrote and answers go back to it, so every fault is an answer: one sentence that says what to
do instead. Foreign text is fenced.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swefoundry.programs.agent.answers import problems
from swefoundry.programs.agent.data_delimiters import fenced, readable
from swefoundry.programs.agent.llm.messages import Tool, ToolCall
from swefoundry.programs.agent.repo import search
from swefoundry.programs.agent.repo.tree import BadPath, Tree, is_binary, text

ANSWER_CHARACTERS = 16_000
"""Of one answer: some 4,000 tokens."""
READ_BYTES = 4 << 20
"""Of a file; what lies beyond is out of reach, and said so."""
READ_LINES = 400
LINE_CHARACTERS = 500
"""Minified sources have one line."""
LIST_ENTRIES = 300


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListArguments(_Arguments):
    """Arguments of list."""

    path: str = Field(default=".", description="Folder, relative to the root of the repository.")
    depth: int = Field(default=1, description="How many levels of folders to show, 1 to 4.")


class FindArguments(_Arguments):
    """Arguments of find."""

    pattern: str = Field(description="Glob such as `*.toml` for names, or `tests/*/conftest.py` for paths.")


class GrepArguments(_Arguments):
    """Arguments of grep."""

    pattern: str = Field(
        description="Text that a line holds, in any letter case. `|` separates alternatives, `.*` stands for anything "
        "in between; nothing else is special."
    )
    path: str = Field(default=".", description="Folder or file to search.")
    files: str = Field(default="*", description="Glob for the names of files, such as `*.cfg`.")


class ReadArguments(_Arguments):
    """Arguments of read."""

    path: str = Field(description="File, relative to the root of the repository.")
    first_line: int = Field(default=1, description="Number of the first line wanted, from 1.")
    lines: int = Field(default=200, description=f"How many lines, at most {READ_LINES}.")


def list_entries(tree: Tree, wanted: ListArguments) -> str:
    """What is in a folder."""
    return search.listing(tree, wanted.path, min(max(wanted.depth, 1), 4), LIST_ENTRIES)


def find(tree: Tree, wanted: FindArguments) -> str:
    """Paths that a glob fits."""
    return search.found(tree, wanted.pattern)


def grep(tree: Tree, wanted: GrepArguments) -> str:
    """Lines that hold a text."""
    return search.matching_lines(tree, search.Search(wanted.pattern, wanted.path, wanted.files))


def read_file(tree: Tree, wanted: ReadArguments) -> str:
    """Some lines of a file."""
    data = tree.head(wanted.path, READ_BYTES)
    if is_binary(data):
        raise BadPath(f"{wanted.path} is binary ({tree.size(wanted.path)} bytes)")
    lines = text(data).splitlines()
    first = max(wanted.first_line, 1)
    if first > max(len(lines), 1):
        raise BadPath(f"{wanted.path} has {len(lines)} lines")
    chosen = lines[first - 1 : first - 1 + min(max(wanted.lines, 1), READ_LINES)]
    shown = _numbered(chosen, first)
    last = first + len(shown) - 1
    beyond = " (the file is longer than can be read)" if len(data) == READ_BYTES else ""
    said = f"Lines {first} to {last} of {len(lines)}{beyond}:"
    return f"{said}\n{fenced(wanted.path, chr(10).join(shown))}"


def _numbered(lines: list[str], first: int) -> list[str]:
    shown, room = [], ANSWER_CHARACTERS
    for number, line in enumerate(lines, first):
        cut = line if len(line) <= LINE_CHARACTERS else line[:LINE_CHARACTERS] + " … (cut)"
        room -= len(cut) + 8
        if room < 0:
            break
        shown.append(f"{number}\t{cut}")
    return shown


@dataclass(frozen=True)
class _Offer:
    does: Callable[[Tree, Any], str]
    arguments: type[_Arguments]
    description: str


OFFERS = {
    "list": _Offer(
        list_entries,
        ListArguments,
        "Show what is in a folder: folders end with a slash, links show their target.",
    ),
    "find": _Offer(find, FindArguments, "Find files and folders by name."),
    "grep": _Offer(grep, GrepArguments, "Find lines in the text files of the repository."),
    "read": _Offer(read_file, ReadArguments, "Read lines of a text file."),
}


class Toolbox:
    """The tools on one tree."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    @property
    def tools(self) -> tuple[Tool, ...]:
        """What is offered to the model."""
        return tuple(
            Tool(name, offer.description, _schema(offer.arguments)) for name, offer in OFFERS.items()
        )

    def run(self, call: ToolCall) -> str:
        """The answer to a call, whatever was asked."""
        offer = OFFERS.get(call.name)
        if offer is None:
            return f"Error: there is no such tool; there are {', '.join(OFFERS)}."
        try:
            wanted = offer.arguments.model_validate_json(call.arguments or "{}")
            return offer.does(self._tree, wanted)
        except ValidationError as error:
            return f"Error: the arguments do not fit: {problems(error)}."
        except BadPath as error:
            return f"Error: {_one_line(str(error))}."
        except OSError:
            return "Error: this cannot be read."


def _one_line(message: str) -> str:
    """An error names what the model itself asked for."""
    return " ".join(readable(message).split())[:500]


def _schema(arguments: type[_Arguments]) -> dict[str, Any]:
    made = arguments.model_json_schema()
    fields = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in made["properties"].items()
    }
    return {
        "type": "object",
        "properties": fields,
        "required": made.get("required", []),
        "additionalProperties": False,
    }
