"""Results of the explorer's tools."""

import json
from pathlib import Path

import pytest

from swefoundry.programs.agent.data_delimiters import delimited
from swefoundry.programs.agent.llm.messages import ToolCall
from swefoundry.programs.agent.repo.tools import RepoTools
from unit.programs.agent.agent_inputs import FILES, a_tree


@pytest.fixture
def box(tmp_path: Path) -> RepoTools:
    return RepoTools(a_tree(tmp_path))


def run(box: RepoTools, name: str, **arguments: object) -> str:
    return box.run(ToolCall("c", name, json.dumps(arguments)))


def test_list_shows_a_level_sorted(box: RepoTools) -> None:
    names = ["README.md", "calc/", "setup.py", "tests/", "tox.ini"]
    lines = [f"{name} ({len(FILES[name])} bytes)" if name in FILES else name for name in names]
    assert run(box, "list") == delimited(".", "\n".join(lines))
    assert run(box, "list", path="calc/") == delimited(
        "calc/", f"__init__.py ({len(FILES['calc/__init__.py'])} bytes)"
    )


def test_list_goes_as_deep_as_asked(box: RepoTools) -> None:
    assert "tests/test_calc.py (" in run(box, "list", depth=2)


def test_find_takes_names_and_paths(box: RepoTools) -> None:
    assert run(box, "find", pattern="*.PY") == delimited(
        "*.PY", "calc/__init__.py\nsetup.py\ntests/test_calc.py"
    )
    assert run(box, "find", pattern="tests/*") == delimited("tests/*", "tests/test_calc.py")
    assert run(box, "find", pattern="*.rs") == "No path matches."


def test_grep_takes_text_and_alternatives_in_any_case(box: RepoTools) -> None:
    answer = (
        "README.md:7: Run `pytest`.\ntests/test_calc.py:1: from calc import add\ntox.ini:2: commands = pytest"
    )
    assert run(box, "grep", pattern="PYTEST|from.*import add") == delimited("PYTEST|from.*import add", answer)
    assert "tox.ini:1" in run(box, "grep", pattern="[testenv]", files="*.ini")
    assert "setup.py:2" in run(box, "grep", pattern=r"setup\(name", path="setup.py")


def test_grep_rejects_what_it_does_not_support(box: RepoTools) -> None:
    assert "supports plain text" in run(box, "grep", pattern=r"\s+x")


def test_read_numbers_lines_and_says_how_many_there_are(box: RepoTools) -> None:
    assert run(box, "read", path="setup.py", first_line=2, lines=1) == (
        "Lines 2 to 2 of 2:\n" + delimited("setup.py", "2\tsetup(name='calc', version='1.0')")
    )
    assert "has 2 lines" in run(box, "read", path="setup.py", first_line=9)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ("{broken", "the arguments do not fit"),
        ("[]", "the arguments do not fit"),
        ('{"path": 3}', "path: "),
        ('{"file": "a"}', "file: Extra inputs are not permitted"),
    ],
)
def test_bad_arguments_are_named(box: RepoTools, arguments: str, problem: str) -> None:
    assert problem in box.run(ToolCall("c", "read", arguments))


def test_a_tool_that_does_not_exist_names_those_that_do(box: RepoTools) -> None:
    assert (
        box.run(ToolCall("c", "shell", "{}"))
        == "Error: there is no such tool; there are list, find, grep, read."
    )


def test_every_tool_has_a_schema_of_its_arguments(box: RepoTools) -> None:
    for tool in box.tools:
        assert tool.description
        for name, field in tool.parameters["properties"].items():
            assert field["description"], (tool.name, name)
