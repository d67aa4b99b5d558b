"""The recipe for JavaScript and TypeScript."""

import json
import re
from datetime import UTC, datetime

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import StrategyInput
from unit.drafts.recipe_inputs import all_rounds, ended, proposed

BASES = ["node:22-slim", "node:20-slim", "node:16-slim"]
MANIFEST = {
    "name": "calc",
    "scripts": {"test": "mocha"},
    "dependencies": {"lodash": "^4.17.0"},
    "devDependencies": {"mocha": "^9.0.0", "eslint": "^8.0.0", "husky": "^7.0.0"},
    "engines": {"node": ">=12"},
}


_PROGRAM = re.compile(r"RUN cat > /usr/local/lib/link-own-copies\.js <<'EOF'\n.*?\nEOF\n", re.DOTALL)


def files(texts: dict[str, object]) -> list[FileFact]:
    return [
        FileFact(path=path, sha256="0" * 64, text=text if isinstance(text, str) else json.dumps(text))
        for path, text in texts.items()
    ]


def an_input(
    manifests: dict[str, object] | None = None,
    *,
    fixed: dict[str, object] | None = None,
    created: str | None = "2022-01-02",
    bases: list[str] | None = None,
    **more: object,
) -> StrategyInput:
    fields: dict[str, object] = {"languages": {"javascript": 9}, "test_files": ["test/calc.js"]}
    return StrategyInput(
        facts=Facts(
            manifests=files({"package.json": MANIFEST} if manifests is None else manifests),
            fixed_manifests=files(fixed) if fixed else None,
            **(fields | more),
        ),
        created_at=datetime.fromisoformat(created).replace(tzinfo=UTC) if created else None,
        base_images={"javascript": BASES if bases is None else bases},
    )


def install_steps(inputs: StrategyInput) -> str:
    """Return the Dockerfile without our programs."""
    return _PROGRAM.sub("", proposed(inputs).draft.dockerfile.partition("RUN cat > /usr/local/lib/run")[0])


def labels(inputs: StrategyInput) -> list[str]:
    """Return the labels of all rounds, where none teaches anything."""
    return [each.label for each in all_rounds(inputs, RoundOutcome.STEP_FAILED, [""]).past_rounds]


def test_packages_come_from_the_manifests_without_tools_of_no_test() -> None:
    assert install_steps(an_input()) == (
        "FROM node:16-slim\n"
        "ENV CI=1 npm_config_update_notifier=false PATH=/testbed/node_modules/.bin:$PATH\n"
        "WORKDIR /testbed\n"
        'RUN printf %s \'{"private": true, \\\n'
        '  "dependencies": {"lodash": "^4.17.0", \\\n'
        '  "mocha": "^9.0.0"}}\' > package.json \\\n'
        " && npm install --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund"
        " --fetch-retries=1 --cache=/tmp/packages --before=2022-02-16 && rm -rf /tmp/packages \\\n"
        " && node /usr/local/lib/link-own-copies.js calc '' /testbed\n"
        "COPY . /testbed\n"
    )
    draft = proposed(an_input()).draft
    assert violations(draft.dockerfile, []) == []
    assert draft.test_command == (
        "cd /testbed && node /usr/local/lib/run-test-files.js /testbed/.swefoundry-report.tap tap"
        " 'mocha --reporter tap' {files}"
    )
    assert (draft.reports, draft.error_exit_codes) == ([".swefoundry-report.tap"], [])


@pytest.mark.parametrize(
    ("release", "command"),
    [("1.3.x", "_mocha --reporter tap"), ("^1.18.2", "_mocha --reporter tap"), ("2", "mocha --reporter tap")],
)
def test_mocha_before_release_2_is_started_without_the_program_that_loses_its_output(
    release: str, command: str
) -> None:
    inputs = an_input({"package.json": {"devDependencies": {"mocha": release}}})
    assert f" tap '{command}' {{files}}" in proposed(inputs).draft.test_command


def test_a_lock_file_is_installed_as_it_is_and_what_the_fix_adds_after_it() -> None:
    added = {**MANIFEST, "dependencies": {"lodash": "^4.17.0", "ms": "^2.1.0"}}
    inputs = an_input({"package.json": MANIFEST, "package-lock.json": "{}"}, fixed={"package.json": added})
    assert proposed(inputs).label == "node 16, mocha, by its lock file"
    assert install_steps(inputs).splitlines()[3:] == [
        "COPY . /testbed",
        "RUN npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --replace-registry-host=always"
        " --cache=/tmp/packages && rm -rf /tmp/packages",
        "RUN npm install --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund"
        " --fetch-retries=1 --cache=/tmp/packages --no-save 'ms@^2.1.0' && rm -rf /tmp/packages",
    ]


def test_packages_that_only_the_fixed_manifest_names_are_installed() -> None:
    added = {**MANIFEST, "devDependencies": {"mocha": "^9.1.0", "sinon": "^12.0.0"}}
    steps = install_steps(an_input(fixed={"package.json": added}))
    assert ('"sinon": "^12.0.0"' in steps, '"mocha": "^9.1.0"' in steps) == (True, True)


def test_the_runner_is_that_of_the_fixed_manifest_because_its_tests_run() -> None:
    moved = an_input(
        fixed={"package.json": {**MANIFEST, "scripts": {"test": "node --test"}}}, created="2024-01-02"
    )
    assert proposed(moved).label.startswith("node 20, node:test, ")


def test_files_are_run_one_by_one_on_a_node_whose_own_runner_cannot_report() -> None:
    manifest = {"name": "calc", "scripts": {"test": "node --test"}}
    proposal = proposed(an_input({"package.json": manifest}, bases=["node:16-slim"]))
    assert proposal.label.startswith("node 16, script, ")
    assert " exit node {files}" in proposal.draft.test_command


def test_a_package_that_a_manifest_binds_to_a_place_is_never_asked_from_the_registry() -> None:
    bound = {
        "a": "github:o/a",
        "b": "o/b",
        "c": "file:../c",
        "d": "git+ssh://git@x/d.git",
        "e": ".",
        "f": "~1.0",
    }
    inputs = an_input({"package.json": {**MANIFEST, "devDependencies": {"mocha": "9", **bound}}})
    assert proposed(inputs).label == "node 16, mocha, as of 2022-02-16, without a b c d e"
    assert '"f": "~1.0"' in install_steps(inputs)


def test_the_release_of_the_time_is_first_then_without_a_date_then_later_and_earlier_ones() -> None:
    assert labels(an_input(created="2024-01-01")) == [
        "node 20, mocha, as of 2024-02-15",
        "node 20, mocha, undated",
        "node 22, mocha, as of 2024-02-15",
        "node 16, mocha, as of 2024-02-15",
    ]
    assert labels(an_input(created=None))[0] == "node 22, mocha, undated"


@pytest.mark.parametrize(
    ("manifests", "label"),
    [
        ({"package.json": {**MANIFEST, "engines": {"node": "^14.13.1 || >=18.0.0"}}}, "node 16"),
        ({"package.json": {**MANIFEST, "engines": {"node": ">= 18"}}}, "node 20"),
        ({"package.json": MANIFEST, ".nvmrc": "v22.1\n"}, "node 22"),
        ({"package.json": {**MANIFEST, "engines": {"node": "*"}}}, "node 16"),
        ({"package.json": MANIFEST, ".nvmrc": "lts/iron"}, "node 20"),
        ({"package.json": MANIFEST, ".tool-versions": "python 3.12\nnodejs 20.11.0\n"}, "node 20"),
        ({"package.json": {**MANIFEST, "volta": {"node": "22.1.0"}}}, "node 22"),
    ],
)
def test_releases_older_than_the_source_asks_for_are_not_tried(
    manifests: dict[str, object], label: str
) -> None:
    assert proposed(an_input(manifests)).label.startswith(f"{label},")


@pytest.mark.parametrize("engines", ["14 || ^16.1.0", "<17", ">=14 <=16", "16.x"])
def test_releases_newer_than_the_engines_allow_are_not_tried(engines: str) -> None:
    inputs = an_input({"package.json": {**MANIFEST, "engines": {"node": engines}}}, created="2024-12-01")
    assert labels(inputs) == ["node 16, mocha, as of 2025-01-15", "node 16, mocha, undated"]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (".travis.yml", "language: node_js\nnode_js:\n  - '14'\n  - 16\nscript: npm test\n"),
        (".github/workflows/a.yml", "matrix:\n  node-version: [14.x, 16.x]\n  python-version: [22]\n"),
        (".circleci/config.yml", "jobs:\n  - node: v16\n"),
    ],
)
def test_of_the_releases_of_the_time_those_that_ci_tests_are_first(path: str, text: str) -> None:
    inputs = an_input(created="2024-01-01", ci=files({path: text}))
    assert [label.partition(",")[0] for label in labels(inputs)] == [
        "node 16",
        "node 16",
        "node 22",
        "node 20",
    ]


def test_the_package_of_most_test_files_is_tested_in_its_folder() -> None:
    inputs = an_input(
        {"package.json": {"devDependencies": {"sinon": "^12.0.0"}}, "packages/core/package.json": MANIFEST},
        test_files=["packages/core/test/a.js", "packages/core/test/b.js", "test/c.js"],
    )
    assert '"sinon": "^12.0.0"' in install_steps(inputs)
    assert "WORKDIR /testbed/packages/core\n" in install_steps(inputs)
    assert proposed(inputs).draft.test_command.startswith("cd /testbed/packages/core && node ")


def test_a_source_without_a_manifest_has_no_recipe() -> None:
    assert next_proposal(["recipe"], an_input({})) is None


def test_typescript_has_the_same_recipe() -> None:
    inputs = an_input(languages={"typescript": 5}, test_files=["test/calc.spec.ts"])
    assert proposed(inputs).label == "node 16, mocha, as of 2022-02-16"


def test_tests_that_fail_in_every_environment_are_tolerated() -> None:
    log = "FAILED test/net.js::client > dials\n== 1 failed, 30 passed =="
    inputs = ended(ended(an_input(), RoundOutcome.AFTER_FAILED, log), RoundOutcome.AFTER_FAILED, log)
    assert proposed(inputs).draft.tolerated_failures == ["test/net.js::client > dials"]


def test_a_test_that_wants_to_be_denied_something_is_tried_as_an_ordinary_user() -> None:
    log = "not ok 1 - refuses\n  Error: expected EACCES\nFAILED test/fs.js::refuses\n== 1 failed, 3 passed =="
    tried = proposed(ended(an_input(), RoundOutcome.AFTER_FAILED, log))
    assert (tried.label, tried.draft.run_as_user) == (
        "node 16, mocha, as of 2022-02-16, as an ordinary user", 1000,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("package", "version_range", "expected"),
    [
        ("jasmine", "^3.1.0", "tap 'jasmine --helper=/usr/local/lib/tap-of-jasmine.js' {files}"),
        ("jasmine", "~2.4.0", "exit 'jasmine --helper=/usr/local/lib/tap-of-jasmine.js' {files}"),
        ("jasmine", "*", "tap 'jasmine --helper=/usr/local/lib/tap-of-jasmine.js' {files}"),
        ("nodeunit", "^0.11.3", "tap 'nodeunit --reporter tap' {files}"),
        ("nodeunit", "~0.7.4", "exit 'nodeunit --reporter tap' {files}"),
        ("vows", "^0.8.1", "exit 'vows --spec' {files}"),
        ("uvu", "^0.5.0", "exit node {files}"),
    ],
)
def test_runners_that_print_no_tap_have_a_status_per_file(
    package: str, version_range: str, expected: str
) -> None:
    draft = proposed(an_input({"package.json": {"devDependencies": {package: version_range}}})).draft
    assert draft.test_command.endswith(f"/.swefoundry-report.tap {expected}")
    assert ("RUN cat > /usr/local/lib/tap-of-jasmine.js" in draft.dockerfile) is (package == "jasmine")


def test_a_tag_of_the_registry_names_a_release_of_today_so_that_any_of_the_day_is_taken() -> None:
    ranges = {"typescript": "next", "a": "latest", "b": "x", "c": "v1.2.0", "d": "1.x", "e": "beta-2.1"}
    steps = install_steps(an_input({"package.json": {"name": "calc", "dependencies": ranges}}))
    installed = dict(re.findall(r'"([\w-]+)": "([^"]*)"', steps))
    assert installed == ranges | {"typescript": "*", "e": "*"}
