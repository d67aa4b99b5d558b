"""Monorepos of JavaScript: which packages of the tree a package uses, and where it is installed and tested."""

import pytest

from unit.drafts.recipe_inputs import proposed
from unit.drafts.test_node_recipe import an_input, install_steps

ROOT = {"private": True, "workspaces": ["packages/*"], "devDependencies": {"mocha": "^9.0.0"}}
CORE = {
    "name": "@o/core",
    "scripts": {"test": "mocha"},
    "dependencies": {"@o/util": "^1.0.0", "ms": "^2.0.0"},
}
UTIL = {"name": "@o/util", "dependencies": {"semver": "^7.0.0", "@o/base": "workspace:*"}}
BASE = {"name": "@o/base", "dependencies": {"bytes": "^3.0.0"}, "devDependencies": {"chai": "^4.0.0"}}
TREE = {
    "package.json": ROOT,
    "packages/core/package.json": CORE,
    "packages/util/package.json": UTIL,
    "packages/base/package.json": BASE,
    "packages/other/package.json": {"name": "@o/other", "dependencies": {"debug": "^4.0.0"}},
}
TESTS = ["packages/core/test/a.js"]


def steps(tree: dict[str, object], **more: object) -> list[str]:
    return install_steps(an_input(tree, test_files=TESTS, **more)).splitlines()


def test_members_that_a_package_needs_are_linked_with_their_own_needs_and_never_asked_from_the_registry() -> (
    None
):
    assert steps(TREE)[2:] == [
        "WORKDIR /testbed",
        'RUN printf %s \'{"private": true, \\',
        '  "dependencies": {"bytes": "^3.0.0", \\',
        '  "mocha": "^9.0.0", \\',
        '  "ms": "^2.0.0", \\',
        '  "semver": "^7.0.0"}}\' > package.json \\',
        " && npm install --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund"
        " --fetch-retries=1 --cache=/tmp/packages --before=2022-02-16 && rm -rf /tmp/packages \\",
        " && node /usr/local/lib/link-own-copies.js @o/core '' /testbed/packages/core"
        " @o/base '' /testbed/packages/base @o/util '' /testbed/packages/util",
        "COPY . /testbed",
        *(
            f"RUN mkdir -p node_modules/@o && rm -rf node_modules/@o/{name}"
            f" && ln -s /testbed/packages/{name} node_modules/@o/{name}"
            for name in ("base", "util")
        ),
    ]
    proposal = proposed(an_input(TREE, test_files=TESTS))
    assert proposal.draft.test_command.startswith("cd /testbed/packages/core && node ")
    assert "without" not in proposal.label


@pytest.mark.parametrize(
    ("declaration", "is_member"),
    [
        ({"package.json": {**ROOT, "workspaces": {"packages": ["packages/**"]}}}, True),
        (
            {"package.json": {}, "pnpm-workspace.yaml": "packages:\n  - './packages/{core,util,base}/'\n"},
            True,
        ),
        ({"package.json": {}, "lerna.json": '{"packages": ["packages/*"]}'}, True),
        ({"package.json": {**ROOT, "workspaces": ["packages/*", "!packages/util"]}}, False),
        ({"package.json": {}}, False),
        ({"package.json": {}, "pnpm-workspace.yaml": "packages: [unclosed"}, False),
    ],
)
def test_the_files_in_the_root_say_which_folders_are_members(
    declaration: dict[str, object], is_member: bool
) -> None:
    linked = any("node_modules/@o/util" in step for step in steps(TREE | declaration))
    assert linked == is_member


def test_the_lock_file_of_a_workspace_is_installed_in_its_root() -> None:
    lines = steps({**TREE, "package-lock.json": '{"lockfileVersion": 2}'})
    assert lines[2:] == [
        "WORKDIR /testbed",
        "COPY . /testbed",
        "RUN npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --replace-registry-host=always"
        " --cache=/tmp/packages && rm -rf /tmp/packages",
    ]


def test_the_lock_file_of_a_root_says_nothing_of_a_package_outside_of_its_workspace() -> None:
    tree = {**TREE, "package.json": {"private": True}, "package-lock.json": "{}"}
    assert "npm ci" not in "\n".join(steps(tree))


def test_members_that_need_each_other_are_linked_once() -> None:
    circle = {**BASE, "dependencies": {"@o/util": "*", "@o/core": "*"}}
    lines = steps({**TREE, "packages/base/package.json": circle})
    assert [line.rpartition("/")[2] for line in lines if "ln -s" in line] == ["base", "util"]
