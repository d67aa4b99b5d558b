"""Each kind of verdict, computed from the exit codes of real pods."""

from collections.abc import Iterator

import pytest

from cluster.commands import kubectl
from cluster.sample_instances import (
    NAMESPACE,
    SHELL_FIX,
    SHELL_TESTS,
    TIMEOUT_SECONDS,
    Json,
    a_task,
    apply,
    condition,
    delete,
    make_shell_repository,
    matrix_exit_codes,
    pods_of,
    unique,
    verdict_of,
    wait_until,
    wait_until_finished,
)

pytestmark = pytest.mark.cluster

FAILING = {"check.sh": "exit 1\n"}
PASSING = {"check.sh": "exit 0\n"}
BREAKING = {"answer.sh": "echo 43\n"}
OLD_TESTS = {"check.sh": '[ "$(sh answer.sh)" = 41 ]\n'}
ERRING = {"check.sh": "[ -e helper.sh ] || exit 3\n"}

CASES = {
    "fail2pass": {"tests": SHELL_TESTS, "fix": SHELL_FIX},
    "fail2fail": {"tests": FAILING, "fix": SHELL_FIX},
    "pass2pass": {"tests": PASSING, "fix": SHELL_FIX},
    "pass2fail": {"tests": OLD_TESTS, "fix": BREAKING},
    "error2pass": {"tests": ERRING, "fix": {"helper.sh": "true\n"}},
}


@pytest.fixture(scope="module")
def names() -> Iterator[dict[str, str]]:
    """Names of all cases, which run at the same time."""
    names_by_case = {case: unique(case) for case in CASES}
    apply(
        *(
            a_task(names_by_case[case], make_shell_repository(names_by_case[case], **parts))
            for case, parts in CASES.items()
        )
    )
    yield names_by_case
    delete(*names_by_case.values())


@pytest.fixture(scope="module")
def kubectl_wait_output(names) -> list[str]:
    """Output of `kubectl wait` for each condition of the valid case."""
    valid = f"ti/{names['fail2pass']}"
    output = [
        kubectl("wait", f"--for=condition={kind}", valid, "-n", NAMESPACE, f"--timeout={TIMEOUT_SECONDS}s")
        for kind in ("Validated", "Ready")
    ]
    return [text.strip().partition(" ")[2] for text in output]


@pytest.fixture(scope="module")
def statuses(names, kubectl_wait_output) -> dict[str, Json]:
    return {case: wait_until_finished(name) for case, name in names.items()}


@pytest.mark.parametrize(
    ("case", "expected", "exit_codes"),
    [
        ("fail2pass", ("Validated", "fail2pass", "Fail2Pass"), {"base": 20, "before": 1, "after": 0}),
        ("fail2fail", ("Rejected", "fail2fail", "Fail2Fail"), {"base": 20, "before": 1, "after": 1}),
        ("pass2pass", ("Rejected", "pass2pass", "Pass2Pass"), {"base": 20, "before": 0, "after": 0}),
        ("pass2fail", ("Rejected", "pass2fail", "Pass2Fail"), {"base": 20, "before": 0, "after": 1}),
        ("error2pass", ("Rejected", "error2pass", "Error2Pass"), {"base": 20, "before": 21, "after": 0}),
    ],
)
def test_each_verdict_follows_from_the_exit_codes(statuses, case, expected, exit_codes):
    assert verdict_of(statuses[case]) == expected
    exit_codes_by_stage = matrix_exit_codes(statuses[case])
    # The exit code of a shell for a missing script is 127 (not runnable) or 2 (one of the draft's error exit codes).
    assert exit_codes_by_stage.pop("base") in (20, 21)
    assert exit_codes_by_stage == {stage: code for stage, code in exit_codes.items() if stage != "base"}


def test_an_invalid_row_is_ready_and_succeeded_but_not_validated(statuses):
    rejected = statuses["pass2pass"]
    assert {kind: condition(rejected, kind)["status"] for kind in ("Ready", "Succeeded", "Validated")} == {
        "Ready": "True",
        "Succeeded": "True",
        "Validated": "False",
    }
    assert condition(rejected, "Reconciling") == {}


def test_kubectl_wait_supports_the_conditions(kubectl_wait_output):
    assert kubectl_wait_output == ["condition met"] * 2


def test_no_pod_remains_after_a_verdict(statuses):
    names = [name for status in statuses.values() for name in [status["envBuild"]]]
    # Pods are deleted just after the status is written.
    wait_until(
        lambda: [pod["metadata"]["name"] for name in names for pod in pods_of(name)], lambda left: not left
    )


def test_every_evaluation_names_its_evidence(statuses):
    for status in statuses.values():
        assert all(item["evidence"].startswith("sha256:") for item in status["evaluations"])
        assert status["evidence"].startswith("sha256:")
