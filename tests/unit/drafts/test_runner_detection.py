"""Which program runs the tests of a package."""

import re
from dataclasses import replace

import pytest

from swefoundry.drafts.recipes.node.file_patterns import pattern_of
from swefoundry.drafts.recipes.node.package_manifest import PackageManifest
from swefoundry.drafts.recipes.node.runner_detection import RunnerCommand, browser_runner, find_runner


def runner(scripts: dict[str, str], **packages: str) -> RunnerCommand | None:
    return find_runner(
        PackageManifest({"scripts": scripts, "devDependencies": packages}), PackageManifest({})
    )


@pytest.mark.parametrize(
    ("scripts", "expected"),
    [
        (
            {"test": "npm run lint && npm run test:unit", "lint": "eslint .", "test:unit": "tap"},
            RunnerCommand("tap"),
        ),
        (
            {"test": "npm run --silent tests-only", "tests-only": "nyc tape 'test/**/*.js'"},
            RunnerCommand("tape"),
        ),
        ({"test": "TZ=UTC tap ./test/*.js"}, RunnerCommand("tap", environment=("TZ=UTC",))),
        ({"test": "mocha test/*.js | tap-mocha-reporter spec"}, RunnerCommand("mocha")),
        (
            {
                "test": "cross-env NODE_ENV=test mocha -r ts-node/register --exit 'test/**/*.ts' --reporter dot"
            },
            RunnerCommand("mocha", ("-r", "ts-node/register", "--exit"), ("NODE_ENV=test",)),
        ),
        ({"test": "c8 --100 node --test"}, RunnerCommand("node:test")),
        ({"test": "borp --coverage"}, RunnerCommand("node:test")),
        ({"test": "node --import tsx --test test/*.ts"}, RunnerCommand("node:test", ("--import", "tsx"))),
        ({"test": "tsx --test test/*.test.ts"}, RunnerCommand("node:test", ("--import=tsx",))),
        (
            {"test": "ts-node node_modules/tape/bin/tape 'test/**/*.ts'"},
            RunnerCommand("tape", ("--require=ts-node/register",)),
        ),
        (
            {"test": "ts-node ./node_modules/jasmine/bin/jasmine.js --config=jasmine.json"},
            RunnerCommand("jasmine", ("--require=ts-node/register", "--config=jasmine.json")),
        ),
        (
            {"test": "ts-mocha --timeout 5000 'test/**/*.ts'"},
            RunnerCommand("mocha", ("--require=ts-mocha/src/index.js", "--timeout", "5000")),
        ),
        ({"test": "babel-node test/index.js"}, RunnerCommand("script", ("--require=babel-register",))),
        ({"test": "node node_modules/.bin/_mocha --ui tdd"}, RunnerCommand("mocha", ("--ui", "tdd"))),
        ({"test": "run-s lint unit", "unit": "ava"}, RunnerCommand("ava")),
        ({"test": "npx vitest run --coverage"}, RunnerCommand("vitest")),
        ({"test": "yarn jest --env=jsdom"}, RunnerCommand("jest", ("--env=jsdom",))),
        ({"test": "node test.js"}, RunnerCommand("script")),
        ({"test": "vows test/*-test.js --spec"}, RunnerCommand("vows")),
        ({"test": "uvu -r esm tests"}, RunnerCommand("uvu", ("-r", "esm"))),
        ({"test": "lab -a @hapi/code -t 100 -L"}, RunnerCommand("lab")),
        ({"test": "npm test"}, RunnerCommand("node:test")),
        ({"test": "echo 'not closed"}, RunnerCommand("node:test")),
    ],
)
def test_the_first_runner_that_the_scripts_call(scripts: dict[str, str], expected: RunnerCommand) -> None:
    found = runner(scripts)
    assert found is not None
    assert replace(found, patterns=()) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("nyc tap 'test/*.js'", ("test/*.js",)),
        ("mocha --exit test/*.js 'lib/**/*.spec.js' --reporter dot", ("test/*.js", "lib/**/*.spec.js")),
        ("node --test 'test/*.js'", ("test/*.js",)),
        ("tape --ignore 'test/fixtures/*' 'test/*.js'", ("test/*.js",)),
        ("tape 'test/*.js' 'test/{a,b}/*.js'", ()),
        ("tape 'test/!(x)*.js'", ()),
        ("mocha test/unit", ()),
        ("tap", ()),
    ],
)
def test_patterns_of_the_files_that_a_script_names(script: str, expected: tuple[str, ...]) -> None:
    found = runner({"test": script})
    assert found is not None
    assert found.patterns == expected


@pytest.mark.parametrize(
    ("folder", "patterns", "matched"),
    [
        ("", ["test/*.js"], ["test/a.js", "test/a b.js"]),
        ("", ["./test/**/*.js"], ["test/a.js", "test/a b.js", "test/exit/fail.js"]),
        ("core", ["test/*.js", "lib/?.js"], ["core/test/a.js", "core/lib/x.js"]),
    ],
)
def test_a_pattern_matches_files_below_the_folder_where_the_runner_starts(
    folder: str, patterns: list[str], matched: list[str]
) -> None:
    files = ["test/a.js", "test/a b.js", "test/exit/fail.js", "core/test/a.js", "core/lib/x.js", "test/a.jsx"]
    assert [path for path in files if re.search(pattern_of(folder, patterns), path)] == matched


def test_without_a_runner_in_the_scripts_the_installed_packages_decide() -> None:
    assert runner({"test": "gulp test"}, mocha="^5.0.0", gulp="3") == RunnerCommand("mocha")
    assert runner({"test": "node test/index.js"}, tape="^5.0.0") == RunnerCommand("tape")
    assert runner({}) == RunnerCommand("node:test")


@pytest.mark.parametrize(
    ("script", "expected", "environment"),
    [
        ("node node_modules/testjs/bin/testjs tests/suite.js", ("testjs",), ()),
        ("NODE_ENV=test npx testjs -r esm 'test/*.js'", ("testjs", "-r", "esm"), ("NODE_ENV=test",)),
        ("eslint test/*.js && testjs test/*.js", ("testjs",), ()),
    ],
)
def test_a_program_that_no_rule_knows_is_called_with_each_test_file(
    script: str, expected: tuple[str, ...], environment: tuple[str, ...]
) -> None:
    found = runner({"test": script}, testjs="^1.0.0", eslint="^8.0.0")
    assert found == RunnerCommand("program", expected, environment)


@pytest.mark.parametrize("script", ["eslint test/*.js", "testjs", "other test/*.js", "gulp test"])
def test_a_program_that_is_not_installed_or_runs_no_test_files_is_no_runner(script: str) -> None:
    assert runner({"test": script}, testjs="1", eslint="8", gulp="3") == RunnerCommand("node:test")


@pytest.mark.parametrize(
    ("script", "program"),
    [
        ("karma start", "karma"),
        ("npx cypress run", "cypress"),
        ("cross-env CI=1 playwright test", "playwright"),
        ("testcafe chrome:headless test", "testcafe"),
        ("wdio run wdio.conf.js", "wdio"),
        ("vitest run --browser=chromium", "vitest --browser"),
        ("electron-mocha --renderer test", "electron-mocha"),
    ],
)
def test_tests_for_browsers_alone_have_no_runner(script: str, program: str) -> None:
    manifest = PackageManifest({"scripts": {"test": script}})
    assert find_runner(manifest, PackageManifest({})) is None
    assert browser_runner(manifest, PackageManifest({})) == program


def test_a_runner_that_is_installed_beside_a_browser_is_tried() -> None:
    assert runner({"test": "karma start"}, mocha="^9.0.0") == RunnerCommand("mocha")
    assert runner({"test": "vitest --browser.enabled=false"}) == RunnerCommand("vitest")


def test_a_preset_that_steers_browsers_makes_jest_a_browser_runner() -> None:
    manifest = PackageManifest({"scripts": {"test": "jest"}, "devDependencies": {"jest-puppeteer": "9"}})
    assert find_runner(manifest, PackageManifest({})) is None
    assert browser_runner(manifest, PackageManifest({})) == "jest-puppeteer"


def test_the_root_of_a_monorepo_may_name_the_runner_of_its_packages() -> None:
    root = PackageManifest({"scripts": {"test": "vitest"}, "devDependencies": {"vitest": "^1.0.0"}})
    assert find_runner(PackageManifest({}), root) == RunnerCommand("vitest", from_root=True)
    own = PackageManifest({"devDependencies": {"mocha": "^9.0.0"}})
    assert find_runner(own, root) == RunnerCommand("mocha")
    installed = PackageManifest({"scripts": {"test": "lerna run test"}, "devDependencies": {"jest": "29"}})
    assert find_runner(PackageManifest({}), installed) == RunnerCommand("jest")
