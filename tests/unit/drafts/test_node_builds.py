"""Tests of built files: what is built before them, and when."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from unit.drafts.recipe_inputs import ended, proposed
from unit.drafts.test_node_recipe import MANIFEST, an_input
from unit.drafts.test_node_workspaces import BASE, CORE, TESTS, TREE, UTIL

MISSING = "Error: Cannot find module '../dist/index.js'"
TYPESCRIPT = {"mocha": "^9.0.0", "typescript": "^5.0.0"}


def build_of(scripts: dict[str, str], log: str | None = MISSING, **files: object) -> str | None:
    """Return the build before the tests, after a round that ended with a log; None where there is none."""
    manifest = {**MANIFEST, "scripts": {"test": "mocha", **scripts}, "devDependencies": TYPESCRIPT}
    inputs = an_input({"package.json": manifest, **files})
    if log is not None:
        inputs = ended(inputs, RoundOutcome.NO_RESULT, log)
    draft = proposed(inputs).draft
    before, exit_code, _ = draft.test_command.partition("; } >&2 || exit 3; ")
    assert draft.error_exit_codes == ([3] if exit_code else [])
    return before.removeprefix("cd /testbed && { ") if exit_code else None


@pytest.mark.parametrize(
    ("scripts", "command"),
    [
        ({"build": "tsc -p ."}, "npm run --silent build"),
        ({"compile": "anything"}, "npm run --silent compile"),
        ({"prepare": "husky install && tsc"}, "npm run --silent prepare"),
        ({"prepare": "husky install", "prepublishOnly": "rollup -c"}, "npm run --silent prepublishOnly"),
        ({"prepare": "husky install"}, None),
        ({"tsc": "tsc --noEmit"}, None),
    ],
)
def test_files_that_are_missing_are_built_by_the_script_that_compiles(
    scripts: dict[str, str], command: str | None
) -> None:
    assert build_of(scripts) == command


def test_without_such_a_script_the_compiler_of_typescript_builds() -> None:
    assert build_of({}, **{"tsconfig.json": "{}"}) == "tsc -p ."


@pytest.mark.parametrize(
    ("scripts", "is_built"),
    [
        ({"test": "npm run build && mocha"}, True),
        ({"pretest": "npm run build"}, True),
        ({"test": "tsc && mocha"}, True),
        ({"test": "mocha && npm run build"}, False),
        ({"test": "tsc --noEmit && mocha"}, False),
        ({"test": "cross-env A=1 mocha -r @babel/register"}, False),
        ({"test": "node -r esbuild-register test.js"}, False),
        ({"pretest": "eslint ."}, False),
    ],
)
def test_a_script_that_builds_before_the_tests_is_followed_at_once(
    scripts: dict[str, str], is_built: bool
) -> None:
    assert (build_of({"build": "tsc -p .", **scripts}, log=None) is not None) is is_built


@pytest.mark.parametrize(
    "log",
    [
        "Error: Cannot find module '/testbed/packages/util/dist/index.js'. Please verify that the package.json",
        "Error: Cannot find module '/testbed/packages/core/node_modules/@o/util/dist/index.js'. Please verify that",
        "error TS2307: Cannot find module '@o/util' or its corresponding type declarations.",
        'Error: Failed to resolve entry for package "@o/util". The package may have incorrect main/module/exports',
    ],
)
def test_members_that_the_package_needs_are_built_before_it(log: str) -> None:
    tree = {
        **TREE,
        "packages/base/package.json": {**BASE, "scripts": {"build": "tsc"}},
        "packages/util/package.json": {**UTIL, "scripts": {"build": "tsc"}},
        "packages/core/package.json": {**CORE, "scripts": {"test": "mocha", "build": "tsc"}},
    }
    inputs = ended(an_input(tree, test_files=TESTS), RoundOutcome.NO_RESULT, log)
    assert "install scripts" not in proposed(inputs).label
    assert proposed(inputs).draft.test_command.startswith(
        "cd /testbed/packages/core && { (cd ../../packages/base && npm run --silent build)"
        " && (cd ../../packages/util && npm run --silent build) && npm run --silent build; }"
        " >&2 || exit 3; cd /testbed/packages/core && node "
    )


def test_a_program_that_the_build_misses_is_installed() -> None:
    manifest = {**MANIFEST, "scripts": {"test": "npm run build && mocha", "build": "tsc && typedoc"}}
    manifest["devDependencies"] = {**TYPESCRIPT, "typedoc": "^0.20.0"}
    inputs = an_input({"package.json": manifest})
    assert '"typedoc"' not in proposed(inputs).draft.dockerfile
    missed = ended(inputs, RoundOutcome.NO_RESULT, "sh: 1: typedoc: not found")
    assert '"typedoc": "^0.20.0"' in proposed(missed).draft.dockerfile


def test_tests_that_only_the_scripts_in_the_root_run_are_started_there() -> None:
    tree = {
        **TREE,
        "package.json": {"workspaces": ["packages/*"], "scripts": {"test": "jest"}, "devDependencies": {"jest": "29"}},
        "packages/core/package.json": {"name": "@o/core"},
    }  # fmt: skip
    command = proposed(an_input(tree, test_files=TESTS)).draft.test_command
    assert command.startswith("cd /testbed && node ")
