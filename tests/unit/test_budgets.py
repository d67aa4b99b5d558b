"""Small on purpose: what a reviewer would say about sizes and names, said by a test. Complexity is ruff's."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "operator" / "swefoundry"
SCRIPTED = ROOT / "images" / "scripted-model" / "scripted_model"
SOURCES = sorted([*PACKAGE.rglob("*.py"), *SCRIPTED.rglob("*.py")])
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
SAYS_NOTHING = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc"}


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [
        node
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_functions_stay_short(path: Path) -> None:
    long = {
        each.name: length
        for each in functions(path)
        if (length := (each.end_lineno or each.lineno) - each.lineno + 1) > LONGEST_FUNCTION
    }
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_modules_say_which_question_they_answer(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text("utf-8")))


def test_names_say_what_is_inside() -> None:
    parts = {part for path in SOURCES for part in path.relative_to(ROOT).with_suffix("").parts}
    assert parts & SAYS_NOTHING == set()


def test_the_source_root_is_no_package() -> None:
    # It would shadow the standard library's `operator`, on which half of the standard library stands.
    assert not (PACKAGE.parent / "__init__.py").exists()


def test_nothing_of_ours_looks_like_a_test_to_pytest() -> None:
    found = {
        node.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef) and node.name.startswith("Test")
    }
    assert found == set()
