"""The test command: each test file by itself, a TAP report with the files' names, and a log for people."""

import re
import shlex

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.node.built_sources import build_commands
from swefoundry.drafts.recipes.node.file_patterns import pattern_of
from swefoundry.drafts.recipes.node.image_programs import DRIVER, JASMINE_TAP
from swefoundry.drafts.recipes.node.node_constraints import NodeConstraints
from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.runner_detection import NODE_TEST, PROGRAM, SCRIPT, RunnerCommand

NODE_REPORT = ".swefoundry-report.tap"
NO_BUILD = 3
"""Exit code of a build that fails before the tests."""

_UNCHECKED = "TS_NODE_TRANSPILE_ONLY=1"
_UNCHECKED_JEST = '--globals={"ts-jest":{"diagnostics":false}}'
"""How ts-node and ts-jest are told to leave types unchecked."""

_BY_PATH = (21, 0)
"""Release of jest that takes paths; earlier ones take patterns, which a path mostly is as well."""

_SPAWNS_VISIBLY = (2, 0)
"""Release of mocha from which on its program shows on any Node what its child `_mocha` prints: earlier ones need an
option of `spawn` that Node 12 removed.
"""

_COMMANDS = {
    "vitest": "vitest run --reporter=default --reporter=json",
    "jest": "jest --ci --coverage=false --json",
    "mocha": "mocha --reporter tap",
    "ava": "ava --tap",
    "tap": "node",
    "tape": "node",
    NODE_TEST: "node --test-reporter=tap",
    "jasmine": f"jasmine --helper={JASMINE_TAP}",
    "qunit": "qunit",
    "uvu": "node",
    "vows": "vows --spec",
    "nodeunit": "nodeunit --reporter tap",
    "lab": "lab -l -m 0 -r tap",
    SCRIPT: "node",
    PROGRAM: "",
}
"""tap and tape are libraries whose tests print TAP by themselves, whatever the release of their programs. lab looks for
leaked globals and has a limit of two seconds for a test otherwise; its options are for coverage and lint.
"""
_KINDS = {
    "vitest": "json",
    "jest": "json",
    **dict.fromkeys(("uvu", "vows", SCRIPT, PROGRAM), "exit"),
}
_REPORTING_SINCE = {"jasmine": (2, 6), "nodeunit": (0, 9)}
"""Releases from which on these runners print TAP, jasmine by a helper; earlier ones have an exit code alone."""


def programs(runner: RunnerCommand) -> list[str]:
    """Return the paths of the programs that the image has for the tests."""
    return [DRIVER, *([JASMINE_TAP] if runner.name == "jasmine" else [])]


def node_test_command(project: NodeProject, runner: RunnerCommand, constraints: NodeConstraints) -> str:
    """Return the command that runs the test files and writes the report."""
    place = f"{SOURCE_ROOT}/{project.folder}".rstrip("/")
    start = SOURCE_ROOT if runner.from_root else place
    kind = _report_kind(project, runner)
    unchecked = [_UNCHECKED] if constraints.transpile_only else []
    command = " ".join([*unchecked, *runner.environment, _command(project, runner, constraints)])
    builds = " && ".join(build_commands(project)) if constraints.build else ""
    build = f"cd {shlex.quote(place)} && {{ {builds}; }} >&2 || exit {NO_BUILD}; " if builds else ""
    report = f"{SOURCE_ROOT}/{NODE_REPORT}"
    pattern = named_files_pattern(project, runner) if constraints.named_files else None
    only = f" {shlex.quote(f'--only={pattern}')}" if pattern is not None else ""
    driver = f"node {DRIVER} {report} {kind} {shlex.quote(command)}{only} {{files}}"
    return f"{build}cd {shlex.quote(start)} && {driver}"


def named_files_pattern(project: NodeProject, runner: RunnerCommand) -> str | None:
    """Return a regular expression for the test files that the script names; None where it names none by patterns."""
    folder = "" if runner.from_root else project.folder
    return pattern_of(folder, runner.patterns) if runner.patterns else None


def _command(project: NodeProject, runner: RunnerCommand, constraints: NodeConstraints) -> str:
    options = [*runner.options, *sorted(constraints.test_options)]
    if runner.name == "jest" and _release(project.needed.get("jest", "")) >= _BY_PATH:
        options.append("--runTestsByPath")
    if runner.name == "jest" and constraints.transpile_only:
        options.append(_UNCHECKED_JEST)
    command = _COMMANDS[runner.name]
    if runner.name == "mocha" and _release(project.needed.get("mocha", "")) < _SPAWNS_VISIBLY:
        command = f"_{command}"
    return " ".join([command, *map(shlex.quote, options)]).strip()


def _report_kind(project: NodeProject, runner: RunnerCommand) -> str:
    """What the driver reads: TAP, a JSON report, or the exit code of each file."""
    since = _REPORTING_SINCE.get(runner.name)
    if since is not None and _release(project.needed.get(runner.name, "")) < since:
        return "exit"
    return _KINDS.get(runner.name, "tap")


def _release(version_range: str) -> tuple[int, int]:
    """Return the lowest release of a range; a high one where it names none."""
    match = re.search(r"(\d+)(?:\.(\d+))?", version_range)
    return (int(match[1]), int(match[2] or 0)) if match else (99, 0)
