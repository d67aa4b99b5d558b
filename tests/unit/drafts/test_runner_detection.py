"""Which program runs the tests of a package."""

import pytest

from swefoundry.drafts.recipes.node.package_manifest import PackageManifest
from swefoundry.drafts.recipes.node.runner_detection import RunnerCommand, find_runner


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
        ({"test": "node node_modules/.bin/_mocha --ui tdd"}, RunnerCommand("mocha", ("--ui", "tdd"))),
        ({"test": "run-s lint unit", "unit": "ava"}, RunnerCommand("ava")),
        ({"test": "npx vitest run --coverage"}, RunnerCommand("vitest")),
        ({"test": "yarn jest --env=jsdom"}, RunnerCommand("jest", ("--env=jsdom",))),
        ({"test": "node test.js"}, RunnerCommand("script")),
        ({"test": "npm test"}, RunnerCommand("node:test")),
        ({"test": "echo 'not closed"}, RunnerCommand("node:test")),
    ],
)
def test_the_first_runner_that_the_scripts_call(scripts: dict[str, str], expected: RunnerCommand) -> None:
    assert runner(scripts) == expected


def test_without_a_runner_in_the_scripts_the_installed_packages_decide() -> None:
    assert runner({"test": "gulp test"}, mocha="^5.0.0", gulp="3") == RunnerCommand("mocha")
    assert runner({"test": "node test/index.js"}, tape="^5.0.0") == RunnerCommand("tape")
    assert runner({}) == RunnerCommand("node:test")


@pytest.mark.parametrize("script", ["karma start", "npx cypress run", "cross-env CI=1 playwright test"])
def test_tests_for_browsers_alone_have_no_runner(script: str) -> None:
    assert runner({"test": script}) is None
    assert runner({"test": script}, mocha="^9.0.0") == RunnerCommand("mocha")


def test_the_root_of_a_monorepo_may_name_the_runner_of_its_packages() -> None:
    root = PackageManifest({"scripts": {"test": "vitest"}, "devDependencies": {"vitest": "^1.0.0"}})
    assert find_runner(PackageManifest({}), root) == RunnerCommand("vitest")
