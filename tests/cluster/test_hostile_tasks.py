"""Test commands that lie, hang, flood or take too much: the verdict is the runner's, or there is none with a reason."""

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

FORGER = f"""sh check.sh; code=$?
trap '' TERM
echo '{PASSED}'
echo '<<<swefoundry guess report junit.xml 1 0 gzip+base64'
setsid sh -c 'while :; do echo {PASSED!r} > {LOG}; done' &
for signal in $(seq 1 31); do kill -$signal 1; done
sleep 1
exit $code
"""
"""Fake records and frames on the output, a fake record in the termination message, and every signal to PID 1."""

FLOOD = """sh check.sh; code=$?
setsid sleep 600 &
yes 0123456789abcde | head -c 200000000
exit $code
"""
"""200 MB of output and a daemon that outlives the command."""

EATER = "head -c 400m /dev/zero | tail -c 400m > /dev/null || true; exit 0"
"""A child that is killed for memory, of which the exit code says nothing."""

COMMANDS = {
    "forger": FORGER,
    "flood": FLOOD,
    "missing": "no-such-program --all",
    "hanging": "trap '' TERM; echo waiting for ever; sleep 600",
    "eater": EATER,
    "silent": "sh check.sh; echo all is well; exit 0",
}


def a_hostile_task(case: str, name: str) -> Json:
    """The same tiny story, run by another command."""
    task = a_task(name, make_shell_repository(name))
    task["spec"]["environment"]["draft"] = {
        "dockerfile": TINY,
        "testCommand": COMMANDS[case],
        "reports": ["junit.xml"] if case == "silent" else [],
    }
    task["spec"]["validation"] |= {"timeoutSeconds": 5} if case == "hanging" else {}
    task["spec"]["validation"]["resources"]["memory"] = "64Mi"
    return task


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Every task at once; each test waits for its own."""
    found = {case: unique(case) for case in COMMANDS}
    apply(*(a_hostile_task(case, name) for case, name in found.items()))
    yield found
    delete(*found.values())


@pytest.mark.parametrize("case", ["forger", "flood"])
def test_neither_forgery_nor_flood_changes_the_verdict(names, case):
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Validated", "fail2pass", "Fail2Pass"), condition(status, "Ready")
    assert {stage: code for stage, code in matrix_exit_codes(status).items() if stage != "base"} == {
        "before": 1,
        "after": 0,
    }


@pytest.mark.parametrize(
    ("case", "outcome", "said"),
    [
        ("missing", "NotRunnable", "could not be started (exit code 127) | "),
        ("hanging", "TimeLimit", "the test command did not end within 5 s (spec.validation.timeoutSeconds)"),
        ("eater", "OutOfMemory", "raise spec.validation.resources.memory"),
        ("silent", "NoResult", "(exit code 0): no file matches junit.xml | all is well"),
    ],
)
def test_a_command_without_a_result_ends_the_environment_with_its_reason(names, case, outcome, said):
    status = wait_until_finished(names[case])
    assert verdict_of(status) == ("Failed", None, "EnvironmentNotBuilt")
    assert f"the last: {outcome}: " in condition(status, "Ready")["message"]
    assert said in condition(status, "Ready")["message"]
    [round_] = get("eb", names[case])["status"]["rounds"]
    assert round_["outcome"] == outcome


def test_a_memory_kill_is_tried_once_more_with_twice_the_memory(names):
    wait_until_finished(names["eater"])
    attempts = get("eb", names["eater"])["status"]["attempts"]
    killed = [(item["work"], item["memoryFactor"], item["reason"]) for item in attempts if "reason" in item]
    assert ("after-0", 1, "OOMKilled") in killed
    assert ("after-0", 2, "OOMKilled") in killed
