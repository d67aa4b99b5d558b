"""Lock files of npm, yarn and pnpm: which package manager installs them, and how."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.dockerfile.policy import violations
from unit.drafts.recipe_inputs import ended, proposed
from unit.drafts.test_node_recipe import MANIFEST, an_input, install_steps

YARN = "# yarn lockfile v1\n"
BASES = [f"node:{major}-slim" for major in (24, 22, 20, 18, 16, 14, 12)]


def pnpm(version: str) -> str:
    return f"lockfileVersion: {version}\n\nimporters:\n"


def berry(version: str) -> str:
    return f"# This file is generated\n\n__metadata:\n  version: {version}\n  cacheKey: 8\n"


@pytest.mark.parametrize(
    ("lock", "text", "label", "package"),
    [
        ("yarn.lock", YARN, "node 16, mocha, by its lock file of yarn", "yarn@1.22.22"),
        ("yarn.lock", berry("4"), "node 16, mocha, by its lock file of yarn berry", "@yarnpkg/cli-dist@2"),
        ("yarn.lock", berry("6"), "node 16, mocha, by its lock file of yarn berry", "@yarnpkg/cli-dist@3"),
        ("yarn.lock", berry("8"), "node 18, mocha, by its lock file of yarn berry", "@yarnpkg/cli-dist@4"),
        ("pnpm-lock.yaml", pnpm("5.3"), "node 16, mocha, by its lock file of pnpm", "pnpm@6"),
        ("pnpm-lock.yaml", pnpm("5.4"), "node 16, mocha, by its lock file of pnpm", "pnpm@7"),
        ("pnpm-lock.yaml", pnpm("'6.0'"), "node 16, mocha, by its lock file of pnpm", "pnpm@8"),
        ("pnpm-lock.yaml", pnpm("'9.0'"), "node 18, mocha, by its lock file of pnpm", "pnpm@9"),
    ],
)
def test_the_format_of_a_lock_file_names_the_release_of_its_package_manager(
    lock: str, text: str, label: str, package: str
) -> None:
    inputs = an_input({"package.json": MANIFEST, lock: text}, bases=BASES)
    assert proposed(inputs).label == label
    assert (
        install_steps(inputs).splitlines()[3] == f"RUN npm install -g --force --no-audit --no-fund {package}"
    )
    assert violations(proposed(inputs).draft.dockerfile, []) == []


@pytest.mark.parametrize(
    ("named", "lock", "text", "package"),
    [
        ("pnpm@8.15.1+sha256.abc", "pnpm-lock.yaml", pnpm("'6.0'"), "pnpm@8.15.1"),
        ("yarn@3.2.0", "yarn.lock", berry("6"), "@yarnpkg/cli-dist@3.2.0"),
        ("yarn@1.22.19", "yarn.lock", YARN, "yarn@1.22.22"),
        ("pnpm@latest; rm -rf /", "pnpm-lock.yaml", pnpm("5.4"), "pnpm@7"),
    ],
)
def test_the_release_of_the_manifest_counts_more(named: str, lock: str, text: str, package: str) -> None:
    inputs = an_input({"package.json": {**MANIFEST, "packageManager": named}, lock: text})
    assert f" {package}\n" in install_steps(inputs)


def test_of_several_lock_files_that_of_npm_counts_unless_the_manifest_names_another() -> None:
    locks = {"package-lock.json": "{}", "yarn.lock": YARN, "pnpm-lock.yaml": pnpm("5.4")}
    assert proposed(an_input({"package.json": MANIFEST, **locks})).label.endswith("by its lock file")
    named = {**MANIFEST, "packageManager": "yarn@1.22.0"}
    assert proposed(an_input({"package.json": named, **locks})).label.endswith("by its lock file of yarn")


def test_yarn_1_asks_the_configured_registry_and_leaves_its_lock_file_as_it_is() -> None:
    inputs = an_input({"package.json": MANIFEST, "yarn.lock": YARN})
    assert install_steps(inputs).splitlines()[4:] == [
        "COPY . /testbed",
        "RUN cp -p yarn.lock /tmp/ && registry=$(npm config get registry) && sed -i -E"
        r""" 's#^(  resolved ")https?://[^"@]*/((@[^/"]+/)?[^/"@]+/-/)#\1'"${registry%/}"'/\2#' yarn.lock"""
        " && yarn install --ignore-scripts --ignore-engines --non-interactive --cache-folder /tmp/packages"
        " --frozen-lockfile && mv /tmp/yarn.lock . && rm -rf /tmp/packages",
    ]


@pytest.mark.parametrize(
    ("lock", "text", "log", "command"),
    [
        (
            "yarn.lock",
            YARN,
            "error Your lockfile needs to be updated, but yarn was run with `--frozen-lockfile`.",
            " --pure-lockfile && mv /tmp/yarn.lock .",
        ),
        (
            "yarn.lock",
            berry("6"),
            "YN0028: │ The lockfile would have been modified by this install, which is explicitly forbidden.",
            " yarn install --no-immutable && mv /tmp/yarn.lock /tmp/package.json .",
        ),
        (
            "pnpm-lock.yaml",
            pnpm("5.4"),
            ' ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with "frozen-lockfile" because pnpm-lock.yaml is not',
            " --no-frozen-lockfile && mv /tmp/pnpm-lock.yaml .",
        ),
    ],
)
def test_a_lock_file_that_is_not_in_step_is_completed(lock: str, text: str, log: str, command: str) -> None:
    inputs = an_input({"package.json": MANIFEST, lock: text})
    following = proposed(ended(inputs, RoundOutcome.STEP_FAILED, log))
    assert following.label.endswith(", completed")
    assert command in following.draft.dockerfile


def test_packages_that_the_lock_files_of_yarn_and_pnpm_lack_are_installed_above_the_source() -> None:
    fixed = {**MANIFEST, "dependencies": {"lodash": "^4.17.0", "ms": "^2.1.0"}}
    inputs = an_input(
        {"package.json": MANIFEST, "pnpm-lock.yaml": pnpm("5.4")}, fixed={"package.json": fixed}
    )
    assert " --prefix / --no-save 'ms@^2.1.0' && rm -rf /tmp/packages\n" in install_steps(inputs)
    missed = proposed(ended(inputs, RoundOutcome.NO_RESULT, "sh: 1: tap: not found")).draft.dockerfile
    assert " --prefix / --no-save 'ms@^2.1.0' 'tap@*' && rm -rf /tmp/packages\n" in missed


@pytest.mark.parametrize(
    ("base", "lock", "step"),
    [
        ("node:14-slim", '{"lockfileVersion": 3}', "npm@8"),
        ("node:10-slim", '{"lockfileVersion": 3}', "npm@7"),
        ("node:14-slim", '{"lockfileVersion": 2}', None),
        ("node:20-slim", '{"lockfileVersion": 3}', None),
    ],
)
def test_npm_6_is_replaced_where_it_cannot_read_the_lock_file(base: str, lock: str, step: str | None) -> None:
    manifest = {name: value for name, value in MANIFEST.items() if name != "engines"}
    inputs = an_input({"package.json": manifest, "package-lock.json": lock}, bases=[base])
    replaced = f"RUN npm install -g --force --no-audit --no-fund {step}\n" in install_steps(inputs)
    assert (replaced, "npm install -g" in install_steps(inputs)) == (step is not None, step is not None)


def test_peers_that_contradict_each_other_are_let_pass() -> None:
    inputs = an_input({"package.json": MANIFEST, "package-lock.json": "{}"})
    following = proposed(ended(inputs, RoundOutcome.STEP_FAILED, "npm error code ERESOLVE"))
    assert " --legacy-peer-deps && rm -rf /tmp/packages\nRUN cat" in following.draft.dockerfile


def test_install_scripts_run_by_the_manager_that_made_the_tree() -> None:
    log = (
        "Error: Could not locate the bindings file. Tried:\n \u2192 /testbed/node_modules/bcrypt/build/b.node"
    )
    inputs = an_input({"package.json": MANIFEST, "pnpm-lock.yaml": pnpm("5.4")})
    assert (
        "RUN npm_config_nodedir=/usr/local pnpm rebuild bcrypt\n"
        in proposed(ended(inputs, RoundOutcome.NO_RESULT, log)).draft.dockerfile
    )
