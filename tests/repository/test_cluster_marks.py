"""Tests on the cluster that stop or restart what others use are marked `alone`: the others run two files at a time."""

import ast
from pathlib import Path

import pytest

from repository.sources import ROOT, parsed

FILES = sorted((ROOT / "tests" / "cluster").glob("test_*.py"))
DISTURBING = {"replace_operator_pod", "stopped", "suspended", "wait_for_operator", "swefoundry_lab.faults"}
"""What stops a program of the lab or a node, and what ends or follows a restart of the operator under test."""


def imported(path: Path) -> set[str]:
    """Names that the file imports; of the lab's modules, with that of the package."""
    nodes = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.ImportFrom)]
    return {
        f"{node.module}.{alias.name}" if node.module == "swefoundry_lab" else alias.name
        for node in nodes
        for alias in node.names
    }


def marks(path: Path) -> set[str]:
    """Names of the marks of the whole file."""
    return {
        node.attr
        for statement in parsed(path).body
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "pytestmark"
        for node in ast.walk(statement.value)
        if isinstance(node, ast.Attribute)
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_runs_alone_when_it_disturbs_others(path: Path) -> None:
    assert ("alone" in marks(path)) == bool(imported(path) & DISTURBING)
