"""The tools of the Repository Explorer on the read-only source tree: list, find, grep, read.

A model wrote the arguments and reads the results, so every error is a result: one sentence with what to do instead.
Text from the repository is delimited as data.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from swefoundry.programs.agent.answers import describe_errors
from swefoundry.programs.agent.data_delimiters import delimited, printable
from swefoundry.programs.agent.llm.messages import Tool, ToolCall
from swefoundry.programs.agent.repo import search
from swefoundry.programs.agent.repo.tree import InvalidPath, RepoTree, decode_text, is_binary

MAX_TOOL_RESULT_CHARACTERS = 16_000
"""Of one result: some 4,000 tokens."""
READ_LIMIT_BYTES = 4 << 20
"""Of a file; the result says when a file is longer."""
MAX_READ_LINES = 400
READ_LINE_CHARACTERS = 500
"""Of one line: minified sources have a single one."""
MAX_LIST_ENTRIES = 300


class _Arguments(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ListArguments(_Arguments):
    """Arguments of list."""

    path: str = Field(default=".", description="Folder.")
    depth: int = Field(default=1, description="1 to 4.")


class FindArguments(_Arguments):
    """Arguments of find."""

    pattern: str = Field(description="Glob: `*.toml` for names, `tests/*/conftest.py` for paths.")


class GrepArguments(_Arguments):
    """Arguments of grep."""

    pattern: str = Field(description="Any letter case; only `|` and `.*` are special.")
    path: str = Field(default=".", description="Folder or file.")
    files: str = Field(default="*", description="Glob for names.")


class ReadArguments(_Arguments):
    """Arguments of read."""

    path: str = Field(description="File.")
    first_line: int = Field(default=1, description="From 1.")
    lines: int = Field(default=200, description=f"At most {MAX_READ_LINES}.")


def list_entries(tree: RepoTree, arguments: ListArguments) -> str:
    """The entries of a folder."""
    return search.list_folder(tree, arguments.path, min(max(arguments.depth, 1), 4), MAX_LIST_ENTRIES)


def find(tree: RepoTree, arguments: FindArguments) -> str:
    """Paths that match a glob."""
    return search.find_paths(tree, arguments.pattern)


def grep(tree: RepoTree, arguments: GrepArguments) -> str:
    """Lines that match a pattern."""
    return search.grep_lines(tree, search.GrepQuery(arguments.pattern, arguments.path, arguments.files))


def read_file(tree: RepoTree, arguments: ReadArguments) -> str:
    """Some lines of a file."""
    data = tree.head(arguments.path, READ_LIMIT_BYTES)
    if is_binary(data):
        raise InvalidPath(f"{arguments.path} is binary ({tree.size(arguments.path)} bytes)")
    lines = decode_text(data).splitlines()
    first = max(arguments.first_line, 1)
    if first > max(len(lines), 1):
        raise InvalidPath(f"{arguments.path} has {len(lines)} lines")
    chosen = lines[first - 1 : first - 1 + min(max(arguments.lines, 1), MAX_READ_LINES)]
    shown = _numbered_lines(chosen, first)
    last = first + len(shown) - 1
    longer = " (the file is longer than can be read)" if len(data) == READ_LIMIT_BYTES else ""
    heading = f"Lines {first} to {last} of {len(lines)}{longer}:"
    return f"{heading}\n{delimited(arguments.path, chr(10).join(shown))}"


def _numbered_lines(lines: list[str], first: int) -> list[str]:
    shown, remaining = [], MAX_TOOL_RESULT_CHARACTERS
    for number, line in enumerate(lines, first):
        cut = line if len(line) <= READ_LINE_CHARACTERS else line[:READ_LINE_CHARACTERS] + " … (cut)"
        remaining -= len(cut) + 8
        if remaining < 0:
            break
        shown.append(f"{number}\t{cut}")
    return shown


@dataclass(frozen=True)
class _ToolDefinition:
    run: Callable[[RepoTree, Any], str]
    arguments_type: type[_Arguments]
    description: str


TOOLS = {
    "list": _ToolDefinition(list_entries, ListArguments, "Show what is in a folder."),
    "find": _ToolDefinition(find, FindArguments, "Find files and folders by name."),
    "grep": _ToolDefinition(grep, GrepArguments, "Find lines in text files."),
    "read": _ToolDefinition(read_file, ReadArguments, "Read lines of a text file."),
}


class RepoTools:
    """The tools on one tree."""

    def __init__(self, tree: RepoTree) -> None:
        self._tree = tree

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools' definitions for a request."""
        return tuple(
            Tool(name, offer.description, _schema(offer.arguments_type)) for name, offer in TOOLS.items()
        )

    def run(self, call: ToolCall) -> str:
        """The result of a call; an error is a result, too."""
        tool = TOOLS.get(call.name)
        if tool is None:
            return f"Error: there is no such tool; there are {', '.join(TOOLS)}."
        try:
            arguments = tool.arguments_type.model_validate_json(call.arguments or "{}")
            return tool.run(self._tree, arguments)
        except ValidationError as error:
            return f"Error: the arguments do not fit: {describe_errors(error)}."
        except InvalidPath as error:
            return f"Error: {_one_line(str(error))}."
        except OSError:
            return "Error: this cannot be read."


def _one_line(message: str) -> str:
    """The error on one line, printable: it contains what the model wrote."""
    return " ".join(printable(message).split())[:500]


def _schema(arguments: type[_Arguments]) -> dict[str, Any]:
    """The JSON schema of a tool's arguments; other ones get an error, so the schema does not forbid them."""
    schema = arguments.model_json_schema()
    fields = {
        name: {key: value for key, value in field.items() if key != "title"}
        for name, field in schema["properties"].items()
    }
    required = {"required": schema["required"]} if "required" in schema else {}
    return {"type": "object", "properties": fields, **required}
