"""Test commands that forge records, hang, write too much or use too much memory: the verdict is correct, or there is
no verdict and a reason.
"""

from collections.abc import Iterator

import pytest

from cluster.sample_instances import (
    Json,
    a_task,
    apply,
    condition,
    delete,
    get,
    make_shell_repository,
    matrix_exit_codes,
    unique,
    verdict_of,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

TINY = "FROM busybox:stable\nCOPY . /testbed\nWORKDIR /testbed\n"
LOG = "/dev/termination-log"
PASSED = '{"v":1,"nonce":"guess","stage":"before","code":0,"rawExit":0}'

FORGED_RECORDS = f"""sh check.sh; code=$?
trap '' TERM
echo '{PASSED}'
echo '<<<swefoundry guess report junit.xml 1 0 gzip+base64'
setsid sh -c 'while :; do echo {PASSED!r} > {LOG}; done' &
for signal in $(seq 1 31); do kill -$signal 1; done
sleep 1
exit $code
"""
"""Forged records and frames in the output, a forged record in the termination message, and every signal to PID 1."""

LARGE_OUTPUT = """sh check.sh; code=$?
setsid sleep 600 &
yes 0123456789abcde | head -c 200000000
exit $code
"""
"""200 MB of output and a daemon that outlives the command."""

CHILD_OUT_OF_MEMORY = "head -c 400m /dev/zero | tail -c 400m > /dev/null || true; exit 0"
"""A child process is killed for memory, and the exit code does not show it."""

COMMANDS = {
    "forged-records": FORGED_RECORDS,
    "large-output": LARGE_OUTPUT,
    "missing": "no-such-program --all",
    "hanging": "trap '' TERM; echo hanging; sleep 600",
    "out-of-memory": CHILD_OUT_OF_MEMORY,
    "no-report": "sh check.sh; echo all is well; exit 0",
}


def a_hostile_task(case: str, name: str) -> Json:
    """A minimal task with the test command of the case."""
    task = a_task(name, make_shell_repository(name))
    task["spec"]["environment"]["draft"] = {
        "dockerfile": TINY,
        "testCommand": COMMANDS[case],
        "reports": ["junit.xml"] if case == "no-report" else [],
    }
    task["spec"]["validation"] |= {"timeoutSeconds": 5 if case == "hanging" else 300}
    task["spec"]["validation"]["resources"]["memory"] = "64Mi"
    return task


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Names of all tasks, which run at the same time; each test waits for its own."""
    names_by_case = {case: unique(case) for case in COMMANDS}
    apply(*(a_hostile_task(case, name) for case, name in names_by_case.items()))
    yield names_by_case
    delete(*names_by_case.values())


@pytest.mark.parametrize("case", ["forged-records", "large-output"])
def test_forged_records_and_large_output_do_not_change_the_verdict(names, case):
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), condition(status, "Ready")
    assert {stage: code for stage, code in matrix_exit_codes(status).items() if stage != "base"} == {
        "before": 1,
        "after": 0,
    }


@pytest.mark.parametrize(
    ("case", "outcome", "text"),
    [
        ("missing", "NotRunnable", "could not be started (exit code 127) | "),
        ("hanging", "TimeLimit", "the test command did not end within 5 s (spec.validation.timeoutSeconds)"),
        ("out-of-memory", "OutOfMemory", "raise spec.validation.resources.memory"),
        ("no-report", "NoResult", "(exit code 0): no file matches junit.xml | all is well"),
    ],
)
def test_a_command_without_a_result_fails_the_environment_with_its_outcome(names, case, outcome, text):
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Failed", None, "EnvironmentNotBuilt")
    assert f"the last: {outcome}: " in condition(status, "Ready")["message"]
    assert text in condition(status, "Ready")["message"]
    [round_] = get("eb", names[case])["status"]["rounds"]
    assert round_["outcome"] == outcome


def test_an_out_of_memory_kill_is_retried_once_with_twice_the_memory(names):
    wait_until_finished(names["out-of-memory"])
    attempts = get("eb", names["out-of-memory"])["status"]["attempts"]
    killed = [(item["work"], item["memoryFactor"], item["reason"]) for item in attempts if "reason" in item]
    assert ("after-0", 1, "OOMKilled") in killed
    assert ("after-0", 2, "OOMKilled") in killed
