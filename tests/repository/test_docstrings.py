"""Docstrings: every module has one, and none begins with a question."""

import ast
from pathlib import Path

import pytest

from repository.sources import EVERYTHING, PRODUCT, name, parsed


def documented(path: Path) -> list[tuple[str, str]]:
    """The first line of each docstring in a file, with the name of what it documents."""
    nodes = [
        node
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    texts = [(getattr(node, "name", "module"), ast.get_docstring(node) or "") for node in nodes]
    return [(owner, text.splitlines()[0]) for owner, text in texts if text]


@pytest.mark.parametrize("path", PRODUCT, ids=name)
def test_a_module_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(parsed(path))


@pytest.mark.parametrize("path", EVERYTHING, ids=name)
def test_no_docstring_begins_with_a_question(path: Path) -> None:
    assert [
        (owner, line) for owner, line in documented(path) if line.rstrip().endswith("?") or "? " in line
    ] == []
