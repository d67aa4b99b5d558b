"""A test command's exit code is the verdict, so it has to be the test runner's own."""

import pytest

from swefoundry.programs.agent.command_rules import command_problem

ALLOWED = [
    "pytest {files}",
    "cd tests && pytest -q {files} && echo done",
    "set -e\nexport X=1\npytest {files}\n",
    "bash -c 'pytest {files}'",
    "(cd sub; pytest {files})",
    "./runtests.py $(echo {files} | sed 's/x/y/')",
    "mvn -q test -Dtest=$(printf '%s\\n' {files} | paste -sd,)",
    "PYTHONPATH=src python -m pytest -m 'not network' {files} 2>&1",
    "npx jest --ci {files}",
    "pytest \\\n  -q {files}",
]
REJECTED = [
    ("pytest {files} || true", "`||`"),
    ("pytest {files}; exit 0", "`;`"),
    ("pytest {files}\ntrue", "`;`"),
    ("pytest {files} | tee log", "`|`"),
    ("pytest {files} &", "`&`"),
    ('bash -c "pytest {files} || true"', "`||`"),
    ("for f in {files}; do pytest $f; done", "`;`"),
    ("( pytest {files} ) || true", "`||`"),
    ("echo {files}", "`echo` runs no test"),
    ("true && X=1 : {files}", "`:` runs no test"),
    ("pytest {files} --collect-only", "without running a test"),
    ("npx jest --passWithNoTests {files}", "without running a test"),
    ("pytest {files} -k 'not slow'", "leaves tests out"),
    ("pytest {files} --deselect tests/a.py::b", "leaves tests out"),
    ("pytest tests", "must hold {files}"),
    ("pytest 'x {files}", "cannot read"),
]


@pytest.mark.parametrize("command", ALLOWED)
def test_valid_commands_are_accepted(command: str) -> None:
    assert command_problem(command, requires_files=True) == ""


@pytest.mark.parametrize(("command", "problem"), REJECTED, ids=[case[0] for case in REJECTED])
def test_commands_that_hide_failures_or_skip_tests_are_rejected(command: str, problem: str) -> None:
    assert problem in command_problem(command, requires_files=True)


def test_without_test_files_any_command_runs_the_projects_tests() -> None:
    assert command_problem("make check", requires_files=False) == ""
