"""The pages of the command line have every command, and the reference is the program's help."""

from typing import Any

import pytest
import typer

from repository.pages import page
from swefoundry.cli.app import app
from swefoundry.cli.command_reference import commands_page


def commands(group: Any, before: str = "") -> list[str]:
    """Every command with the groups that it is in."""
    found: list[str] = []
    for name, command in sorted(group.commands.items()):
        words = f"{before}{name}"
        found += commands(command, f"{words} ") if hasattr(command, "commands") else [words]
    return found


def test_the_reference_of_commands_is_current() -> None:
    assert page("docs/reference/cli.md") == commands_page(), "run `make generate`"


@pytest.mark.parametrize("words", commands(typer.main.get_command(app)))
def test_every_command_is_in_the_table(words: str) -> None:
    first = [line.split("|")[1] for line in page("docs/cli.md").splitlines() if line.startswith("| `")]
    group, _, name = words.partition(" ")
    expected = (f"`{words}", f"`{group}") if name else (f"`{words}",)
    assert any(cell.strip().startswith(expected) and (not name or name in cell) for cell in first)
