"""The driver of the Node recipe: what it makes of each runner's output, in real processes."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from swefoundry.drafts.recipes.node import node_test_command
from swefoundry.grading.report_parser import read_reports

DRIVER = Path(node_test_command.__file__).with_name("run-test-files.js")
TAP_OF_JASMINE = DRIVER.with_name("tap-of-jasmine.js")
NODE = shutil.which("node") or ""

pytestmark = pytest.mark.skipif(not NODE, reason="needs Node")

TAPE = """\
TAP version 13
# adds
ok 1 should be strictly equal
ok 2 should be strictly equal
# subtracts
ok 3 should be strictly equal
not ok 4 should be strictly equal
  ---
    operator: equal
    stack: |-
      ok 9 - not a result
  ...
# a case to come
ok 5 skipped # SKIP

1..5
# tests 5
# pass  4
# fail  1
"""
TAP_15 = """\
TAP version 13
# Subtest: parses
    ok 1 - a number
    # Subtest: a text
        not ok 1 - with quotes
        1..1
        # failed 1 test
    not ok 2 - a text # time=2.5ms
    1..2
    # failed 1 of 2 tests
not ok 1 - parses # time=12ms
ok 2 - prints \\# signs # time=1ms
1..2
# failed 1 of 2 tests
# time=31.2ms
"""
MOCHA_9 = """\
1..3
ok 1 calc adds
not ok 2 calc subtracts
  AssertionError: 1 == 2
ok 3 calc divides # SKIP -
# tests 2
# pass 1
# fail 1
"""
JEST_27 = {
    "testResults": [
        {
            "name": "{root}/a.js",
            "status": "failed",
            "assertionResults": [
                {"ancestorTitles": ["calc", "adds"], "title": "numbers", "status": "passed"},
                {"ancestorTitles": [], "title": "fails", "status": "failed"},
                {"ancestorTitles": [], "title": "waits", "status": "pending"},
            ],
        },
        {"name": "{root}/b.js", "status": "failed", "message": "cannot load", "assertionResults": []},
    ]
}


def run_files(root: Path, kind: str, command: str, *files: str) -> tuple[int, dict[str, str], str]:
    """Return the exit code, the statuses in the report, and the log."""
    report = root / "report.tap"
    result = subprocess.run(
        [NODE, DRIVER, report, kind, command, *files], capture_output=True, text=True, check=False, cwd=root
    )
    found = read_reports({"report.tap": report.read_bytes()} if report.exists() else {})
    return result.returncode, {test: str(status) for test, status in found.statuses.items()}, result.stdout


def printing(root: Path, output: str, code: int) -> str:
    """Return a command that prints the output of a runner and ends with its exit code."""
    (root / "output").write_text(output)
    (root / "runner.sh").write_text(f"cat {root}/output\nexit {code}\n")
    return f"sh {root}/runner.sh"


def test_tape_has_a_status_for_each_test_by_its_assertions(tmp_path: Path) -> None:
    code, statuses, log = run_files(tmp_path, "tap", printing(tmp_path, TAPE, 1), "test/calc.js")
    assert (code, statuses) == (
        1,
        {
            "test/calc.js::adds": "passed",
            "test/calc.js::subtracts": "failed",
            "test/calc.js::a case to come": "skipped",
        },
    )
    assert log.endswith("FAILED test/calc.js::subtracts\n== 1 failed, 1 passed ==\n")


def test_subtests_have_the_names_of_their_parents(tmp_path: Path) -> None:
    code, statuses, _ = run_files(tmp_path, "tap", printing(tmp_path, TAP_15, 1), "test/calc.js")
    assert (code, statuses) == (
        1,
        {
            "test/calc.js::parses > a number": "passed",
            "test/calc.js::parses > a text > with quotes": "failed",
            "test/calc.js::prints # signs": "passed",
        },
    )


def test_mocha_gives_suites_and_tests_in_one_name(tmp_path: Path) -> None:
    _, statuses, _ = run_files(tmp_path, "tap", printing(tmp_path, MOCHA_9, 1), "a.js")
    assert statuses == {
        "a.js::calc adds": "passed",
        "a.js::calc subtracts": "failed",
        "a.js::calc divides": "skipped",
    }


def test_a_file_that_ends_before_its_first_test_is_an_error_and_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "bad.js").write_text("require('./nothing')\n")
    (tmp_path / "good.js").write_text("console.log('ok 1 - works\\n1..1')\n")
    code, statuses, _ = run_files(tmp_path, "tap", "node", "bad.js", "good.js")
    assert (code, statuses) == (1, {"bad.js": "error", "good.js::works": "passed"})


@pytest.mark.parametrize(("output", "code"), [("ok 1 - a\n", 0), ("ok 1 - a\n1..1\n", 7)])
def test_an_early_end_or_an_error_that_no_test_explains_fails_the_file(
    tmp_path: Path, output: str, code: int
) -> None:
    ended, statuses, _ = run_files(tmp_path, "tap", printing(tmp_path, output, code), "a.js")
    assert (ended, statuses) == (1, {"a.js::a": "passed", "a.js::the whole file": "failed"})


def test_an_early_end_fails_the_test_that_was_under_way(tmp_path: Path) -> None:
    output = "TAP version 13\n# adds\nok 1 should be equal\n# subtracts\nok 2 should be equal\n"
    ended, statuses, _ = run_files(tmp_path, "tap", printing(tmp_path, output, 1), "a.js")
    assert (ended, statuses) == (1, {"a.js::adds": "passed", "a.js::subtracts": "failed"})


def test_files_of_other_languages_are_left_out(tmp_path: Path) -> None:
    assert run_files(tmp_path, "tap", printing(tmp_path, TAPE, 0), "a.py")[:2] == (1, {})


def test_a_file_without_tests_is_skipped(tmp_path: Path) -> None:
    assert run_files(tmp_path, "tap", printing(tmp_path, "1..0\n", 0), "a.js")[:2] == (0, {"a.js": "skipped"})


def test_tests_of_node_itself(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text(
        "const { describe, it } = require('node:test')\n"
        "describe('calc', () => { it('adds', () => {}); it('fails', () => { throw new Error('x') }) })\n"
    )
    _, statuses, _ = run_files(tmp_path, "tap", "node --test-reporter=tap", "a.js")
    assert statuses == {"a.js::calc > adds": "passed", "a.js::calc > fails": "failed"}


def test_jest_and_vitest_are_read_from_their_json(tmp_path: Path) -> None:
    (tmp_path / "made.json").write_text(json.dumps(JEST_27).replace("{root}", str(tmp_path)))
    (tmp_path / "jest.sh").write_text(f'cp {tmp_path}/made.json "${{1#--outputFile=}}"; exit 1\n')
    code, statuses, log = run_files(tmp_path, "json", f"sh {tmp_path}/jest.sh", "a.js", "b.js")
    assert (code, statuses) == (
        1,
        {
            "a.js::calc > adds > numbers": "passed",
            "a.js::fails": "failed",
            "a.js::waits": "skipped",
            "b.js": "error",
        },
    )
    assert "cannot load" in log


def test_without_a_report_of_jest_there_is_none(tmp_path: Path) -> None:
    assert run_files(tmp_path, "json", "true", "a.js")[:2] == (1, {})


def test_runners_without_a_report_give_a_status_per_file(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("")
    (tmp_path / "b.js").write_text("process.exit(3)\n")
    _, statuses, _ = run_files(tmp_path, "exit", "node", "a.js", "b.js")
    assert statuses == {"a.js::exit code": "passed", "b.js::exit code": "failed"}


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("a.js", "require('./nothing')\n"),
        ("a.mjs", "import './nothing.js'\n"),
        ("a.mjs", "import { nothing } from 'fs'\n"),
        ("a.js", "const = 1\n"),
    ],
)
def test_a_file_that_cannot_be_loaded_has_no_failed_test(tmp_path: Path, name: str, source: str) -> None:
    (tmp_path / name).write_text(source)
    assert run_files(tmp_path, "exit", "node", name)[:2] == (1, {name: "error"})


JASMINE = """\
let reporter
global.jasmine = { getEnv: () => ({ addReporter (added) { reporter = added } }) }
require(process.argv[2])
process.stdout.write('Started\\n.')
reporter.specDone({ fullName: 'calc adds', status: 'passed' })
process.stdout.write('F')
reporter.specDone({ fullName: 'calc subtracts #1', status: 'failed' })
reporter.specDone({ fullName: 'calc divides', status: 'pending' })
reporter.suiteDone({ fullName: 'calc', failedExpectations: [{ message: 'afterAll' }] })
reporter.jasmineDone({ overallStatus: 'failed', failedExpectations: [] })
process.exit(3)
"""
"""What jasmine 2.6 to 5 call their reporters with."""


def test_a_helper_makes_jasmine_print_what_the_driver_reads(tmp_path: Path) -> None:
    (tmp_path / "jasmine.js").write_text(JASMINE)
    code, statuses, _ = run_files(tmp_path, "tap", f"node jasmine.js {TAP_OF_JASMINE}", "spec/calc.js")
    assert (code, statuses) == (
        1,
        {
            "spec/calc.js::calc": "failed",
            "spec/calc.js::calc adds": "passed",
            "spec/calc.js::calc divides": "skipped",
            "spec/calc.js::calc subtracts #1": "failed",
        },
    )


NODEUNIT_0_11 = """\
TAP version 13
# adds
not ok 1 - expect truthy value
  ---
  error:
    name: AssertionError
    message: null
  wanted: 3
  found: -1
  ...

# is
ok 2 - expect truthy value
1..2
# failed 1 of 2 tests
# time=173.528ms
"""


def test_nodeunit_has_a_status_for_each_test(tmp_path: Path) -> None:
    _, statuses, _ = run_files(tmp_path, "tap", printing(tmp_path, NODEUNIT_0_11, 1), "a.js")
    assert statuses == {"a.js::adds": "failed", "a.js::is": "passed"}


LAB_25 = """\
TAP version 13
1..3
ok 1 (1) sum adds - well
  ---
  duration_ms: 7
  ...
not ok 2 (2) sum inner fails
  ---
  duration_ms: 1
  stack: |-
    Error: Expected 1 to equal specified value: 2
  ...
ok 3 # SKIP (3) sum inner skips
# tests 3
# pass 1
# fail 1
# skipped 1
# todo 0
"""


def test_lab_has_the_same_names_wherever_a_test_stands(tmp_path: Path) -> None:
    _, statuses, _ = run_files(tmp_path, "tap", printing(tmp_path, LAB_25, 1), "a.js")
    assert statuses == {
        "a.js::sum adds - well": "passed",
        "a.js::sum inner fails": "failed",
        "a.js::sum inner skips": "skipped",
    }


def test_files_that_a_pattern_does_not_match_are_not_run(tmp_path: Path) -> None:
    command = printing(tmp_path, "TAP version 13\n# adds\nok 1 equal\n\n1..1\n", 0)
    (tmp_path / "test/exit").mkdir(parents=True)
    code, statuses, _ = run_files(
        tmp_path, "tap", command, "--only=^(?:test/[^/]*\\.js)$", "test/a.js", "test/exit/fail.js"
    )
    assert (code, statuses) == (0, {"test/a.js::adds": "passed"})
