"""Check before the tests of a probe that the project is imported from the tree."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.import_check import project_modules, with_import_check
from unit.drafts.recipe_inputs import an_input, ended, facts, proposed

THING = ["src/thing", "tests/helpers.py", "docs/conf.py", "src/types.py"]


def run(tmp_path: Path, command: str, *python_path: str) -> tuple[int, str]:
    """Run a command in a tree with src/thing, with an interpreter called python."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").symlink_to(sys.executable)
    for package in ("testbed/src/thing", "site/thing"):
        (tmp_path / package).mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('imported')\n")
    variables = {"PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "PYTHONPATH": ":".join(python_path)}
    result = subprocess.run(
        ["sh", "-c", command], cwd=tmp_path / "testbed", env=variables, capture_output=True, text=True
    )
    return result.returncode, result.stdout


def checked(command: str = "echo tests; exit 3") -> str:
    return with_import_check(command, facts(python_modules=THING))


def test_the_modules_are_those_of_the_project_itself() -> None:
    assert project_modules(facts(python_modules=THING)) == ["thing"]


def test_tests_run_when_the_tree_is_imported(tmp_path: Path) -> None:
    assert run(tmp_path, checked(), f"{tmp_path}/testbed/src", f"{tmp_path}/site") == (3, "tests\n")


def test_tests_run_when_the_project_cannot_be_imported_at_all(tmp_path: Path) -> None:
    assert run(tmp_path, checked()) == (3, "tests\n")


def test_tests_do_not_run_when_another_release_is_imported(tmp_path: Path) -> None:
    found = f"SourceShadowed: thing is imported from {tmp_path}/site/thing/__init__.py, not from {tmp_path}/testbed\n"
    assert run(tmp_path, checked(), f"{tmp_path}/site", f"{tmp_path}/testbed/src") == (97, found)


@pytest.mark.parametrize(
    "command", ["pip install . && pytest", "tox -e py", "python setup.py develop; pytest"]
)
def test_a_command_that_installs_the_project_is_not_checked(command: str) -> None:
    assert checked(command) == command


def test_a_tree_without_python_modules_is_not_checked() -> None:
    assert with_import_check("make test", facts({}, python_modules=[])) == "make test"


def test_the_recipe_puts_the_shadowed_project_first_on_the_path() -> None:
    inputs = an_input(package_dirs=["src/thing"], python_modules=["src/thing"])
    text = proposed(ended(inputs, RoundOutcome.SOURCE_SHADOWED)).draft.dockerfile
    assert text.endswith("-e .\nENV PYTHONPATH=/testbed/src\n")
