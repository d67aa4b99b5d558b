"""The test command: each test file by itself, a TAP report with the files' names, and a log for people."""

import re
import shlex
from functools import cache
from pathlib import Path

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.node.built_sources import build_commands
from swefoundry.drafts.recipes.node.node_constraints import NodeConstraints
from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.runner_detection import NODE_TEST, SCRIPT, RunnerCommand

NODE_REPORT = ".swefoundry-report.tap"
DRIVER = "/usr/local/lib/run-test-files.js"
"""In the image, outside of the project: runs the files and writes the report."""
NO_BUILD = 3
"""Exit code of a build that fails before the tests."""

_BY_PATH = (21, 0)
"""Release of jest that takes paths; earlier ones take patterns, which a path mostly is as well."""

_COMMANDS = {
    "vitest": "vitest run --reporter=default --reporter=json",
    "jest": "jest --ci --coverage=false --json",
    "mocha": "mocha --reporter tap",
    "ava": "ava --tap",
    "tap": "node",
    "tape": "node",
    NODE_TEST: "node --test-reporter=tap",
    "jasmine": "jasmine",
    "qunit": "qunit",
    "uvu": "node",
    "vows": "vows --spec",
    "nodeunit": "nodeunit",
    SCRIPT: "node",
}
"""tap and tape are libraries whose tests print TAP by themselves, whatever the release of their programs."""
_KINDS = {
    "vitest": "json",
    "jest": "json",
    **dict.fromkeys(("jasmine", "uvu", "vows", "nodeunit", SCRIPT), "exit"),
}


@cache
def driver_text() -> str:
    return Path(__file__).with_name("run-test-files.js").read_text("utf-8")


def node_test_command(project: NodeProject, runner: RunnerCommand, constraints: NodeConstraints) -> str:
    """Return the command that runs the test files and writes the report."""
    place = f"{SOURCE_ROOT}/{project.folder}".rstrip("/")
    start = SOURCE_ROOT if runner.from_root else place
    kind = _KINDS.get(runner.name, "tap")
    command = " ".join([*runner.environment, _command(project, runner, constraints)])
    builds = " && ".join(build_commands(project)) if constraints.build else ""
    build = f"cd {shlex.quote(place)} && {{ {builds}; }} >&2 || exit {NO_BUILD}; " if builds else ""
    report = f"{SOURCE_ROOT}/{NODE_REPORT}"
    driver = f"node {DRIVER} {report} {kind} {shlex.quote(command)} {{files}}"
    return f"{build}cd {shlex.quote(start)} && {driver}"


def _command(project: NodeProject, runner: RunnerCommand, constraints: NodeConstraints) -> str:
    options = [*runner.options, *sorted(constraints.test_options)]
    if runner.name == "jest" and _major(project.needed.get("jest", "")) >= _BY_PATH[0]:
        options.append("--runTestsByPath")
    return " ".join([_COMMANDS[runner.name], *map(shlex.quote, options)])


def _major(version_range: str) -> int:
    match = re.search(r"\d+", version_range)
    return int(match[0]) if match else 99
