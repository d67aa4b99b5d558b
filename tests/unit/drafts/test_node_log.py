"""What the Node recipe learns from logs, each as the tool wrote it."""

import re

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from unit.drafts.recipe_inputs import ended, proposed
from unit.drafts.test_node_recipe import MANIFEST, an_input

DATED = "as of 2022-02-16"


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("Error: Cannot find module 'eslint/lib/rules'", f"node 16, mocha, {DATED}, with eslint"),
        (
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package 'husky' imported from /testbed/test/a.mjs",
            f"node 16, mocha, {DATED}, with husky",
        ),
        ("Error: Cannot find module 'unheard-of'", "node 16, mocha, undated"),
        ("Error: Cannot find module './missing'", "node 16, mocha, undated"),
        (
            "Error [ERR_REQUIRE_ESM]: require() of ES Module /testbed/node_modules/x",
            f"node 20, mocha, {DATED}",
        ),
        ("SyntaxError: Unexpected token '??='", f"node 20, mocha, {DATED}"),
        ("Error: Cannot find module 'node:test'", f"node 20, mocha, {DATED}"),
        ("Error: Timeout of 2000ms exceeded.", f"node 16, mocha, {DATED}, options --timeout=30000"),
        ("Error: spawn git ENOENT", f"node 16, mocha, {DATED}, with git"),
        (
            "npm error notarget No matching version found for lodash@^4.17.0 with a date before 2/16/2022.",
            "node 16, mocha, undated",
        ),
        (
            "npm error 404  'lodash@^4.17.0' is not in this registry.",
            f"node 16, mocha, {DATED}, without lodash",
        ),
        (
            "Error: ENOENT: no such file or directory, open '/testbed/node_modules/https-pem/cert.pem'",
            f"node 16, mocha, {DATED}, install scripts of https-pem",
        ),
        (
            "Error: Could not locate the bindings file. Tried: /testbed/node_modules/bcrypt/build/b.node",
            f"node 16, mocha, {DATED}, with g++ make python3, install scripts of bcrypt",
        ),
    ],
)
def test_a_failure_becomes_a_constraint_of_the_next_draft(message: str, label: str) -> None:
    for outcome in (RoundOutcome.STEP_FAILED, RoundOutcome.NO_RESULT):
        assert proposed(ended(an_input(), outcome, message)).label == label


def test_a_runner_that_no_manifest_names_is_installed() -> None:
    inputs = an_input({"package.json": {"scripts": {"test": "vitest run"}}})
    following = proposed(ended(inputs, RoundOutcome.NO_RESULT, "/bin/sh: 1: vitest: not found"))
    assert (following.label, '"vitest": "*"' in following.draft.dockerfile) == (
        f"node 16, vitest, {DATED}, with vitest", True,
    )  # fmt: skip


@pytest.mark.parametrize("message", ["primordials is not defined", "Error: error:0308010C:digital envelope"])
def test_an_old_tool_asks_for_an_older_release(message: str) -> None:
    manifest = {name: value for name, value in MANIFEST.items() if name != "engines"}
    inputs = an_input(
        {"package.json": manifest}, bases=["node:20-slim", "node:10-slim"], created="2024-01-01"
    )
    assert (
        proposed(ended(inputs, RoundOutcome.NO_RESULT, message)).label == "node 10, mocha, as of 2024-02-15"
    )


@pytest.mark.parametrize(
    "message",
    [
        "npm error code EUSAGE",
        "npm error syscall spawn git",
        "npm error An unknown git error occurred",
        "npm error 404  'gone@1.0.0' is not in this registry.",
    ],
)
def test_a_lock_file_that_cannot_be_installed_is_left_aside(message: str) -> None:
    inputs = an_input({"package.json": MANIFEST, "package-lock.json": "{}"})
    following = proposed(ended(inputs, RoundOutcome.STEP_FAILED, message))
    assert DATED in following.label
    assert "npm ci" not in following.draft.dockerfile


@pytest.mark.parametrize(
    "message", ["npm error syscall spawn git", "npm error command git ls-remote ssh://git@forge/o/r.git"]
)
def test_without_git_only_what_the_package_itself_needs_is_installed(message: str) -> None:
    inputs = an_input(
        {"package.json": {**MANIFEST, "devDependencies": {"mocha": "9", "eclint-like": "1", "ts-node": "10"},
                          "scripts": {"test": "mocha -r ts-node/register"}}}
    )  # fmt: skip
    following = proposed(ended(inputs, RoundOutcome.STEP_FAILED, message))
    assert following.label.endswith(", only what the package itself needs")
    assert re.findall(r'"([\w-]+)": "', following.draft.dockerfile) == ["lodash", "mocha", "ts-node"]
    missed = ended(inputs, RoundOutcome.STEP_FAILED, message)
    again = proposed(ended(missed, RoundOutcome.NO_RESULT, "Error: Cannot find module 'eclint-like'"))
    assert '"eclint-like": "1"' in again.draft.dockerfile


def test_a_local_storage_that_old_jest_refuses_gets_an_address() -> None:
    inputs = an_input({"package.json": {"devDependencies": {"jest": "^22.0.0"}}})
    log = "SecurityError: localStorage is not available for opaque origins"
    command = proposed(ended(inputs, RoundOutcome.NO_RESULT, log)).draft.test_command
    assert (
        "'jest --ci --coverage=false --json --testURL=http://localhost/ --runTestsByPath' {files}" in command
    )


@pytest.mark.parametrize(
    ("package", "log", "option"),
    [
        ("tsx", 'TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts"', "--import=tsx"),
        (
            "ts-node",
            "SyntaxError: Cannot use import statement outside a module",
            "--require=ts-node/register",
        ),
        ("@babel/register", "SyntaxError: Unexpected token 'export'", "--require=@babel/register"),
    ],
)
def test_files_that_node_cannot_load_get_a_loader_that_a_manifest_names(
    package: str, log: str, option: str
) -> None:
    inputs = an_input({"package.json": {"devDependencies": {"mocha": "9", package: "*"}}})
    assert proposed(ended(inputs, RoundOutcome.NO_RESULT, log)).label.endswith(f"options {option}")
    assert option not in proposed(ended(an_input(), RoundOutcome.NO_RESULT, log)).label


def test_a_package_that_its_tests_import_by_name_is_linked_and_never_taken_from_the_registry() -> None:
    following = proposed(
        ended(an_input(), RoundOutcome.NO_RESULT, "Error: Cannot find module 'calc/lib/add'")
    )
    assert following.label == f"node 16, mocha, {DATED}, linked under its own name"
    assert (
        "\nRUN mkdir -p node_modules/ && ln -sfn /testbed node_modules/calc\n" in following.draft.dockerfile
    )
    bound = an_input({"package.json": {"name": "@o/calc", "devDependencies": {"mocha": "9", "@o/calc": "."}}})
    assert "ln -sfn /testbed node_modules/@o/calc\n" in proposed(bound).draft.dockerfile
