"""The Go recipe's command, with a `go` that prints events."""

import os
import subprocess
from pathlib import Path

import pytest

from swefoundry.contracts.facts import Facts, FileFact
from swefoundry.drafts.evaluation_command import expand_files
from swefoundry.drafts.proposal import StrategyInput
from swefoundry.drafts.recipes.go.go_project import read_project
from swefoundry.drafts.recipes.go.go_test_command import GO_REPORT, go_test_command
from swefoundry.grading.report_parser import read_reports

EVENTS = """\
{"Time":"2026-01-02T03:04:05.6Z","Action":"start","Package":"m"}
{"Time":"2026-01-02T03:04:05.7Z","Action":"run","Package":"m","Test":"TestA"}
{"Time":"2026-01-02T03:04:05.8Z","Action":"output","Package":"m","Test":"TestA","Output":"=== RUN   TestA\\n"}
{"Time":"2026-01-02T03:04:05.8Z","Action":"output","Package":"m","Test":"TestA","Output":"    a_test.go:3: \\"x\\"\\n"}
{"Time":"2026-01-02T03:04:05.9Z","Action":"ACTION","Package":"m","Test":"TestA","Elapsed":0}
{"Time":"2026-01-02T03:04:06Z","Action":"ACTION","Package":"m","Elapsed":0.1}
"""


def run(tmp_path: Path, action: str, code: int) -> tuple[int, str, str]:
    """Return the exit code, the report and the log."""
    source, program = tmp_path / "source", tmp_path / "bin" / "go"
    for folder in (source, program.parent):
        folder.mkdir()
    (tmp_path / "events").write_text(EVENTS.replace("ACTION", action))
    program.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/arguments; cat {tmp_path}/events; exit {code}\n')
    program.chmod(0o755)
    manifest = FileFact(path="go.mod", sha256="0" * 64, text="module m\n")
    project = read_project(StrategyInput(facts=Facts(manifests=[manifest], test_files=["a_test.go"])))
    assert project is not None
    command = expand_files(go_test_command(project), ["a_test.go"]).replace("/testbed", str(source))
    path = f"{program.parent}:{os.environ['PATH']}"
    ended = subprocess.run(
        ["sh", "-c", command], env={"PATH": path}, capture_output=True, text=True, check=False
    )
    return ended.returncode, (source / GO_REPORT).read_text(), ended.stdout


@pytest.mark.parametrize(("action", "code"), [("pass", 0), ("fail", 1)])
def test_the_report_has_how_tests_ended_and_the_log_what_they_printed(
    tmp_path: Path, action: str, code: int
) -> None:
    ended, report, log = run(tmp_path, action, code)
    assert ended == code
    assert report.splitlines() == [
        '{"Action":"run","Package":"m","Test":"TestA"}',
        f'{{"Action":"{action}","Package":"m","Test":"TestA","Elapsed":0}}',
        f'{{"Action":"{action}","Package":"m","Elapsed":0.1}}',
    ]
    assert {name: status.value for name, status in read_reports({"r": report.encode()}).statuses.items()} == {
        "m::TestA": "passed" if action == "pass" else "failed"
    }
    named = [] if action == "pass" else ["FAILED m::TestA"]
    count = "0 failed, 1 passed" if action == "pass" else "1 failed, 0 passed"
    assert log.splitlines() == ['    a_test.go:3: "x"', *named, f"== {count} =="]
