"""Code and record of the runner for each way in which a command can end."""

import hashlib
import json
import shutil
import stat
import subprocess
import sys

import pytest

from swefoundry.contracts.evaluation import EvaluationResult, ReportCounts
from swefoundry.grading.report_parser import read_reports
from swefoundry.workloads.evaluation.log_frames import reports_digest
from unit.runner.runner_box import NONCE, Box, RunnerExit, pid_inside

PASSING = "<testsuite><testcase/></testsuite>"
FAILING = '<testsuite><testcase/><testcase name="b"><failure/></testcase></testsuite>'
UNCOLLECTED = (
    '<testsuite><testcase/><testcase name="tests.test_b"><error message="collection failure"/></testcase>'
    "</testsuite>"
)
TESTS_CANNOT_RUN = {"reports": ["*.xml"], "error_exit_codes": [2, 3, 4, 5]}
TOLERANT = {"reports": ["*.xml"], "tolerated_failures": ["b"]}


def writes(text: str, name: str = "junit.xml") -> str:
    return f"printf '%s' '{text}' > {name}"


def test_a_record_says_everything_about_a_run(box: Box):
    ran = box.run(f"echo hello; {writes(FAILING)}; exit 1", reports=["junit.xml"], error_exit_codes=[2])
    record = EvaluationResult.model_validate(ran.record)
    assert ran.output == b"hello\n"
    assert ran.framed_output.reports == {"junit.xml": FAILING.encode()}
    assert record == EvaluationResult(
        nonce=NONCE,
        stage="before",
        code=1,
        raw_exit=1,
        duration_ms=record.duration_ms,
        tests=ReportCounts(total=2, passed=1, failed=1),
        report_sha256=reports_digest(ran.framed_output.reports),
        measured=record.measured,
        output_bytes=6,
        output_sha256=hashlib.sha256(b"hello\n").hexdigest(),
    )
    assert ran.code == 1


@pytest.mark.parametrize(
    ("command", "fields", "code", "raw_exit", "signal"),
    [
        ("true", {}, 0, 0, None),
        ("exit 1", {}, 1, 1, None),
        ("exit 3", {"error_exit_codes": [2, 3]}, 21, 3, None),
        ("kill -SEGV $$", {}, 1, None, "SIGSEGV"),
        ("no-such-program --version", {}, 20, 127, None),
        ("./not-executable", {}, 20, 126, None),
        ("true", {"workdir": "/no/such/folder"}, 20, None, None),
        ("true", {"reports": ["junit.xml"]}, 21, 0, None),
        (writes("<testsuite/>"), {"reports": ["*.xml"]}, 21, 0, None),
        (writes(PASSING), {"reports": ["*.xml"]}, 0, 0, None),
        (f"{writes(FAILING)}; exit 9", {"reports": ["*.xml"]}, 1, 9, None),
        ("echo 1..0 > all.tap", {"reports": ["*.tap"]}, 21, 0, None),
        ("printf '1..1\\nok 1\\n' > all.tap", {"reports": ["*.tap"]}, 0, 0, None),
        (f"{writes(FAILING)}; exit 3", TESTS_CANNOT_RUN, 1, 3, None),
        (f"{writes(PASSING)}; exit 3", TESTS_CANNOT_RUN, 21, 3, None),
        (f"{writes(UNCOLLECTED)}; exit 1", TESTS_CANNOT_RUN, 21, 1, None),
        (writes(FAILING), {"reports": ["*.xml"]}, 23, 0, None),
        (writes(UNCOLLECTED), {"reports": ["*.xml"]}, 23, 0, None),
        (f"{writes(PASSING)}; exit 1", {"reports": ["*.xml"]}, 24, 1, None),
        (f"{writes(PASSING)}; kill -SEGV $$", {"reports": ["*.xml"]}, 24, None, "SIGSEGV"),
        (f"{writes(FAILING)}; exit 1", TOLERANT, 0, 1, None),
        (writes(FAILING), TOLERANT, 0, 0, None),
        (f"{writes(FAILING)}; kill -SEGV $$", TOLERANT, 24, None, "SIGSEGV"),
    ],
)
def test_each_ending_has_its_canonical_code(box: Box, command, fields, code, raw_exit, signal):
    box.workdir.mkdir()
    (box.workdir / "not-executable").write_text("#!/bin/sh\n")
    ran = box.run(command, **fields)
    assert (ran.code, ran.record["code"], ran.record["rawExit"], ran.record["signal"]) == (
        code,
        code,
        raw_exit,
        signal,
    )


def run_in_empty_image(box: Box, spec: str) -> RunnerExit:
    """The runner in an image that holds nothing else."""
    image = box.folder / "image"
    (image / "dev").mkdir(parents=True)
    (image / "testbed").mkdir()
    (image / "dev" / "null").touch()
    message = image / "dev" / "termination-log"
    message.touch()
    shutil.copy2(box.binary, image / "runner")
    ended = subprocess.run(
        ["unshare", "--pid", "--fork", f"--root={image}", "/runner"],
        env={"SWEFOUNDRY_RUN": spec},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return RunnerExit(ended.returncode, message.read_text(), ended.stdout)


def test_an_image_without_a_shell_is_not_runnable(box: Box):
    spec = json.loads(box.write_spec("true", workdir="/testbed"))
    del spec["terminationLog"]
    ran = run_in_empty_image(box, json.dumps(spec))
    assert (ran.code, ran.record["code"], ran.record["rawExit"]) == (20, 20, None)
    assert b"no shell" in ran.output


def test_the_time_limit_asks_first(box: Box):
    ran = box.run("trap 'echo cleaned up; exit 0' TERM; sleep 600 & wait", timeout_seconds=3)
    assert (ran.code, ran.record["code"], ran.record["rawExit"]) == (22, 22, 0)
    assert ran.output == b"cleaned up\n[swefoundry: time limit of 3s reached]\n"


def test_the_time_limit_then_kills(box: Box):
    ran = box.run("trap '' TERM; sleep 600 & sleep 600; sleep 600", timeout_seconds=1)
    assert (ran.code, ran.record["code"], ran.record["signal"]) == (22, 22, "SIGKILL")


def test_a_stopped_command_reaches_its_time_limit(box: Box):
    assert box.run("kill -STOP $$", timeout_seconds=1).code == 22


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("", "not set"),
        ("{", "unexpected EOF"),
        ('{"v":1,"nonce":"x"}', "nonce must be"),
    ],
)
def test_a_wrong_order_is_a_usage_error_without_a_record(box: Box, spec, message):
    ran = run_in_empty_image(box, spec)
    assert ran.code == 90
    assert ran.message.startswith("runner: SWEFOUNDRY_RUN") and message in ran.message


def test_a_pod_that_is_deleted_leaves_a_sentence_and_no_record(box: Box):
    process = box.start(box.write_spec("echo started; sleep 600"))
    assert process.stdout is not None
    process.stdout.readline()
    subprocess.run(["kill", "-TERM", str(pid_inside(process))], check=True)
    ran = box.finish(process)
    assert ran.code == 143
    assert ran.message == "runner: stopped by SIGTERM before the command ended: no verdict\n"


def test_a_stale_report_is_removed_before_the_command(box: Box):
    box.workdir.mkdir()
    (box.workdir / "junit.xml").write_text(PASSING)
    ran = box.run("ls", reports=["*.xml"])
    assert (ran.code, ran.output, ran.framed_output.reports) == (21, b"", {})
    assert ran.record["reportNote"] == "no file matches *.xml"


def test_an_unknown_report_format_is_framed_but_not_counted(box: Box):
    ran = box.run("echo '{}' > out.json", reports=["out.json"])
    assert (ran.code, ran.record["tests"], ran.framed_output.reports) == (21, None, {"out.json": b"{}\n"})


def test_the_record_says_why_a_run_is_no_result(box: Box):
    ran = box.run(f"{writes(FAILING)}; {writes('<testsuite>', 'cut.xml')}", reports=["*.xml"])
    assert (ran.record["unreadableReports"], ran.record["reportNote"]) == (
        1,
        "the command ended with 0, although 1 test failed: its exit code is lost on the way (a pipe, `|| true`, "
        "256 failures) or it ignores failures; cut.xml: the XML ends too early",
    )


def test_an_escape_character_in_a_message_does_not_hide_the_tests(box: Box):
    """Both readers find the same tests in a report that is no XML 1.0."""
    case = (
        "<testcase name='a'><failure message='\\033[31mexpected 4\\033[0m'/></testcase><testcase name='b'/>"
    )
    ran = box.run(f'printf "<testsuite>{case}</testsuite>" > r.xml; exit 1', reports=["r.xml"])
    assert ran.record["tests"] == {
        "total": 2,
        "passed": 1,
        "failed": 1,
        "errors": 0,
        "skipped": 0,
        "collectionErrors": 0,
        "tolerated": 0,
    }
    assert dict(read_reports(ran.framed_output.reports).statuses) == {"a": "failed", "b": "passed"}


def test_a_report_of_twenty_megabytes_comes_back_whole(box: Box):
    lines = "".join(f"<testcase name='t{n}'><system-out>{n:0400d}</system-out></testcase>\\n" for n in (1, 2))
    many = f'for i in $(seq 24000); do printf "{lines}"; done'
    command = f"{{ echo '<testsuite>'; {many}; echo '</testsuite>'; }} > big.xml"
    ran = box.run(command, reports=["big.xml"])
    assert (ran.code, ran.record["unreadableReports"], ran.record["reportNote"]) == (0, 0, None)
    assert len(ran.framed_output.reports["big.xml"]) > 20 << 20
    assert len(ran.log) < 6 << 20


def test_a_hundred_reports_are_added_up(box: Box):
    one = "<testsuite><testcase name='$i'/></testsuite>"
    command = f'mkdir -p a/b; for i in $(seq 100); do printf "{one}" > a/b/$i.xml; done'
    ran = box.run(command, reports=["**/*.xml"])
    assert (ran.code, ran.record["tests"]["total"], len(ran.framed_output.reports)) == (0, 100, 100)
    assert ran.record["reportSha256"] == reports_digest(ran.framed_output.reports)


def test_bash_is_preferred_and_output_keeps_its_order(box: Box):
    ran = box.run("[[ -n $BASH_VERSION ]] && for i in 1 2 3; do echo $i; echo -$i >&2; done")
    assert ran.output == b"1\n-1\n2\n-2\n3\n-3\n"


def test_the_command_gets_the_images_environment_and_nothing_else(box: Box):
    command = "ls -m /proc/self/fd; env | grep -c SWEFOUNDRY; echo $FLAVOUR; cat"
    process = box.start(box.write_spec(command), env={"FLAVOUR": "vanilla", "SWEFOUNDRY_OTHER": "x"})
    assert box.finish(process).output == b"0, 1, 2, 3\n0\nvanilla\n"


def test_the_command_starts_with_default_signals(box: Box):
    lines = box.run("cat /proc/self/status").output.decode().splitlines()
    masks = [line.split() for line in lines if line.startswith(("SigBlk", "SigIgn", "SigCgt"))]
    assert masks == [[name, "0" * 16] for name in ("SigBlk:", "SigIgn:", "SigCgt:")]


def test_descriptors_that_the_runner_inherited_end_with_it(box: Box):
    with open(box.folder / "secret", "w") as secret:
        process = box.start(
            box.write_spec("ls /proc/self/fd | wc -l"), init=False, pass_fds=(secret.fileno(),)
        )
        assert box.finish(process).output == b"4\n"


def test_the_binary_is_small_static_and_the_same_everywhere(runner_binary, runner_source, tmp_path):
    assert runner_binary.stat().st_size < 4_000_000
    assert b"ld-linux" not in runner_binary.read_bytes()
    copy = tmp_path / "elsewhere"
    shutil.copytree(runner_source, copy, ignore=shutil.ignore_patterns("bin"))
    subprocess.run(["make", "-s", "-C", copy], check=True)
    assert (copy / "bin" / "runner").read_bytes() == runner_binary.read_bytes()
    assert stat.S_IMODE((copy / "bin" / "runner").stat().st_mode) & 0o111


def test_the_go_tests_pass(runner_source):
    subprocess.run(["make", "-s", "-C", runner_source, "check"], check=True)


class TestARunThatEndsInTheMiddle:
    """A real pytest whose process ends before it writes the report: the test that was running is named."""

    PYTEST = f"{sys.executable} -m pytest -q -p no:cacheprovider --junitxml=junit.xml"

    def run(self, box: Box, source: str, command: str = PYTEST) -> RunnerExit:
        box.workdir.mkdir()
        (box.workdir / "test_a.py").write_text(source)
        return box.run(command, reports=["junit.xml"], error_exit_codes=[2, 3, 4, 5])

    @pytest.mark.parametrize(
        ("end", "how"),
        [
            ("os._exit(0)", "the command ended with 0"),
            ("os._exit(2)", "the command ended with 2"),
            ("os.kill(os.getpid(), 11)", "the command was killed by SIGSEGV"),
        ],
    )
    def test_names_the_test_and_keeps_what_ran_before(self, box: Box, end: str, how: str):
        ran = self.run(
            box,
            "import os, pytest\n\ndef test_one(): pass\n\n@pytest.mark.xfail\ndef test_two(): assert 0\n\n"
            f"class TestC:\n    @pytest.mark.parametrize('x', ['a::b'])\n    def test_three(self, x): {end}\n\n"
            "def test_four(): pass\n",
        )
        running = "test_a.py::TestC::test_three[a::b]"
        assert (ran.code, ran.record["reportNote"]) == (
            25,
            f"{how} in the middle of {running}, which counts as failed; no file matches junit.xml",
        )
        assert read_reports(ran.framed_output.reports).statuses == {
            "test_a.py::test_one": "passed",
            "test_a.py::test_two": "xfailed",
            running: "failed",
        }

    def test_a_time_limit_names_the_test_too(self, box: Box):
        box.workdir.mkdir()
        (box.workdir / "test_a.py").write_text("import time\n\ndef test_hangs(): time.sleep(600)\n")
        ran = box.run(self.PYTEST, reports=["junit.xml"], timeout_seconds=20)
        assert ran.code == 22
        assert read_reports(ran.framed_output.reports).statuses == {"test_a.py::test_hangs": "failed"}

    def test_an_end_while_files_are_collected_names_no_test(self, box: Box):
        ran = self.run(box, "import os\nos._exit(0)\n")
        assert (ran.code, ran.record["tests"]) == (21, None)

    def test_a_whole_run_is_read_from_its_own_report(self, box: Box):
        ran = self.run(box, "def test_one(): pass\n")
        assert (ran.code, list(ran.framed_output.reports)) == (0, ["junit.xml"])

    def test_tests_see_nothing_of_the_record(self, box: Box):
        ran = self.run(
            box,
            "import os, sys\n\n"
            "def test_it():\n"
            "    assert not {'PYTEST_PLUGINS', 'SWEFOUNDRY_PROGRESS'} & set(os.environ)\n"
            "    assert not [each for each in [*sys.path, os.environ.get('PYTHONPATH', '')] if 'progress-' in each]\n",
        )
        assert ran.code == 0, ran.output


def test_a_time_limit_names_the_test_that_was_running(box: Box):
    event = json.dumps(["start", "t.py::test_a"])
    ran = box.run(
        f"echo '{event}' > $SWEFOUNDRY_PROGRESS; sleep 600", reports=["junit.xml"], timeout_seconds=5
    )
    record = EvaluationResult.model_validate(ran.record)
    assert (record.code, record.running) == (22, "t.py::test_a")
    assert record.report_note == (
        "the time limit was reached in the middle of t.py::test_a, which counts as failed; "
        "no file matches junit.xml"
    )
    assert dict(read_reports(ran.framed_output.reports).statuses) == {"t.py::test_a": "failed"}
