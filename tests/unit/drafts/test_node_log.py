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
            "npm ERR! notarget No matching version found for lodash@^4.17.0 with an Enjoy By date of 2/16/2022.",
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
            "Error: Could not locate the bindings file. Tried:\n \u2192 /testbed/node_modules/bcrypt/build/b.node",
            f"node 16, mocha, {DATED}, with g++ make python3, install scripts of bcrypt",
        ),
        (
            "Error: Cannot find module './build/Release/diskusage.node'\n"
            "Require stack:\n- /testbed/node_modules/diskusage/index.js\n- /testbed/test/add.js",
            f"node 16, mocha, {DATED}, with g++ make python3, install scripts of diskusage",
        ),
        (
            "    Cannot find module './build/Release/diskusage.node' from 'node_modules/diskusage/index.js'",
            f"node 16, mocha, {DATED}, with g++ make python3, install scripts of diskusage",
        ),
        (
            "Error: No native build was found for platform=linux arch=x64 runtime=node abi=115\n"
            "    loaded from: /testbed/node_modules/bufferutil",
            f"node 16, mocha, {DATED}, with g++ make python3, install scripts of bufferutil",
        ),
        (
            "Error: The module '/testbed/node_modules/@o/hash/build/Release/hash.node'\n"
            "was compiled against a different Node.js version using",
            f"node 16, mocha, {DATED}, install scripts of @o/hash",
        ),
        (
            "Error: spawn /testbed/node_modules/phantom/lib/phantomjs ENOENT",
            f"node 16, mocha, {DATED}, install scripts of phantom",
        ),
        (
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find module '/testbed/out/test/add.js' imported from"
            " /testbed/node_modules/@ava/typescript/index.js",
            "node 16, mocha, undated",
        ),
        (
            "TSError: \u2a2f Unable to compile TypeScript:\ntest/add.ts(1,15): error TS7016: Could not find a",
            f"node 16, mocha, {DATED}, types unchecked",
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


@pytest.mark.parametrize(
    "message",
    [
        "primordials is not defined",
        "Error: error:0308010C:digital envelope",
        'TypeError [ERR_INVALID_ARG_TYPE]: The "code" argument must be of type number. Received type string',
    ],
)
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
    "message",
    [
        "npm error syscall spawn git",
        "npm error command git ls-remote ssh://git@forge/o/r.git",
        "npm ERR! code ENOGIT",
        "npm ERR! enoent spawn git ENOENT",
        "npm ERR! fatal: unable to look up forge.example (port 9418) (Name or service not known)",
    ],
)
def test_without_git_only_what_the_package_itself_needs_is_installed(message: str) -> None:
    inputs = an_input(
        {"package.json": {**MANIFEST, "devDependencies": {"mocha": "9", "eclint-like": "1", "ts-node": "10"},
                          "scripts": {"test": "mocha -r ts-node/register"}}}
    )  # fmt: skip
    following = proposed(ended(inputs, RoundOutcome.STEP_FAILED, message))
    assert ", only what the package itself needs" in following.label
    assert re.findall(r'"([\w-]+)": "', following.draft.dockerfile) == ["lodash", "mocha", "ts-node"]
    missed = ended(inputs, RoundOutcome.STEP_FAILED, message)
    again = proposed(ended(missed, RoundOutcome.NO_RESULT, "Error: Cannot find module 'eclint-like'"))
    assert '"eclint-like": "1"' in again.draft.dockerfile


def test_without_an_archive_of_another_host_only_what_the_package_itself_needs_is_installed() -> None:
    inputs = an_input({"package.json": {**MANIFEST, "devDependencies": {"mocha": "9", "of-github": "1"}}})
    message = "npm could not reach an address that the step names: npm error code ENOTFOUND"
    following = proposed(ended(inputs, RoundOutcome.ADDRESS_UNREACHABLE, message))
    assert re.findall(r'"([\w-]+)": "', following.draft.dockerfile) == ["lodash", "mocha"]


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


def test_tap_loads_typescript_by_its_own_plugin() -> None:
    log = 'TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts" for /testbed/test/add.ts'
    option = "--import=@isaacs/ts-node-temp-fork-for-pr-2009/import"
    of_tap = an_input({"package.json": {"scripts": {"test": "tap"}, "devDependencies": {"tap": "^18.0.0"}}})
    assert proposed(ended(of_tap, RoundOutcome.NO_RESULT, log)).label.endswith(f"options {option}")


@pytest.mark.parametrize(
    ("package", "log", "command"),
    [
        (
            "mocha",
            "TSError: \u2a2f Unable to compile TypeScript:\ntest/add.ts(1,15): error TS7016: Could not find",
            "'TS_NODE_TRANSPILE_ONLY=1 mocha --reporter tap'",
        ),
        (
            "jest",
            "    test/add.test.ts:4:7 - error TS2322: Type 'string' is not assignable to type 'number'.",
            '--globals={"ts-jest":{"diagnostics":false}}',
        ),
    ],
)
def test_types_that_contradict_the_sources_are_not_checked(package: str, log: str, command: str) -> None:
    inputs = an_input({"package.json": {"devDependencies": {package: "*"}}})
    unchecked = proposed(ended(inputs, RoundOutcome.AFTER_FAILED, log))
    assert (unchecked.label.endswith(", types unchecked"), command in unchecked.draft.test_command) == (
        True, True,
    )  # fmt: skip
    assert command not in proposed(inputs).draft.test_command


def test_compiled_parts_are_built_with_the_headers_of_the_image() -> None:
    log = "Error: Cannot find module './build/Release/d.node'\nRequire stack:\n- /testbed/node_modules/d/index.js"
    dockerfile = proposed(ended(an_input(), RoundOutcome.NO_RESULT, log)).draft.dockerfile
    assert "RUN npm_config_nodedir=/usr/local npm rebuild d\n" in dockerfile


def test_a_package_that_its_tests_import_by_name_is_linked_and_never_taken_from_the_registry() -> None:
    following = proposed(
        ended(an_input(), RoundOutcome.NO_RESULT, "Error: Cannot find module 'calc/lib/add'")
    )
    assert following.label == f"node 16, mocha, {DATED}, linked under its own name"
    assert (
        "\nRUN mkdir -p node_modules && rm -rf node_modules/calc && ln -s /testbed node_modules/calc\n"
        in following.draft.dockerfile
    )
    bound = an_input({"package.json": {"name": "@o/calc", "devDependencies": {"mocha": "9", "@o/calc": "."}}})
    assert "ln -s /testbed node_modules/@o/calc\n" in proposed(bound).draft.dockerfile


NAMED = {"package.json": MANIFEST | {"scripts": {"test": "tap 'test/*.js'"}}}
FAILED_BESIDE = "FAILED test/exit/fail.js::array\n== 1 failed, 9 passed =="


def test_files_that_fail_and_that_the_script_does_not_name_are_not_run_by_themselves() -> None:
    inputs = an_input(NAMED, test_files=["test/exit.js", "test/exit/fail.js"])
    following = proposed(ended(inputs, RoundOutcome.AFTER_FAILED, FAILED_BESIDE))
    assert following.label == f"node 16, tap, {DATED}, only test files that the script names"
    assert following.draft.test_command.endswith(" tap node '--only=^(?:test/[^/]*\\.js)$' {files}")


@pytest.mark.parametrize(
    ("files", "log"),
    [
        (["test/exit.js", "test/exit/fail.js"], FAILED_BESIDE.replace("exit/fail", "exit")),
        (["test/exit/ok.js", "test/exit/fail.js"], FAILED_BESIDE),
    ],
    ids=["a named file fails", "the script names no file of the row"],
)
def test_files_are_run_by_themselves_otherwise(files: list[str], log: str) -> None:
    following = proposed(ended(an_input(NAMED, test_files=files), RoundOutcome.AFTER_FAILED, log))
    assert "--only" not in following.draft.test_command


@pytest.mark.parametrize(
    ("scripts", "named"),
    [
        ({"test": "npm run unit", "unit": "nyc --lines 100 --reporter=text tap test/a.js b.mjs"}, r"test/a\.js|b\.mjs"),
        ({"test": "tap -r ./setup.js test/a.js && tap 'lib/*.js'"}, r"test/a\.js|lib/[^/]*\.js"),
    ],
    ids=["files after a wrapper's options", "files of all calls, without an option's"],
)  # fmt: skip
def test_a_script_names_files_one_by_one_too(scripts: dict[str, str], named: str) -> None:
    inputs = an_input(
        {"package.json": MANIFEST | {"scripts": scripts}}, test_files=["test/a.js", "test/example.ts"]
    )
    log = "FAILED test/example.ts\n== 1 failed, 24 passed =="
    following = proposed(ended(inputs, RoundOutcome.NO_RESULT, log))
    assert f"'--only=^(?:{named})$'" in following.draft.test_command


def test_a_script_with_a_call_that_names_no_file_names_none() -> None:
    manifest = MANIFEST | {"scripts": {"test": "tap test/a.js && tap"}}
    inputs = an_input({"package.json": manifest}, test_files=["test/a.js", "test/example.ts"])
    following = proposed(ended(inputs, RoundOutcome.NO_RESULT, "FAILED test/example.ts\n== 1 failed =="))
    assert "--only" not in following.draft.test_command
