"""Every outcome has guidance that leads to another draft."""

import pytest

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.failure_guidance import GUIDANCE_BY_KIND, FailureKind, guidance_for

FAILURES = [
    (RoundOutcome.DOCKERFILE_INVALID, "Line 3: unknown instruction RNU", FailureKind.SYNTAX, "environment"),
    (
        RoundOutcome.POLICY_REFUSED,
        "Line 2: `|| true` hides a failed `pip install`",
        FailureKind.POLICY,
        "environment",
    ),
    (RoundOutcome.ADDRESS_UNREACHABLE, "curl: (6)", FailureKind.ADDRESS, "environment"),
    (RoundOutcome.BASE_IMAGE_MISSING, "manifest unknown", FailureKind.BASE_IMAGE, "environment"),
    (
        RoundOutcome.STEP_FAILED,
        "No solution found when resolving dependencies",
        FailureKind.FAILING_STEP,
        "environment",
    ),
    (
        RoundOutcome.STEP_FAILED,
        "x.c:3:10: fatal error: libxml/tree.h: No such file or directory",
        FailureKind.SYSTEM_PACKAGE,
        "environment",
    ),
    (RoundOutcome.STEP_FAILED, "/bin/sh: 1: gcc: not found", FailureKind.SYSTEM_PACKAGE, "environment"),
    (
        RoundOutcome.AFTER_FAILED,
        "ModuleNotFoundError: No module named 'yaml'",
        FailureKind.MISSING_MODULE,
        "environment",
    ),
    (RoundOutcome.NO_RESULT, "ImportError\nNo module named six", FailureKind.MISSING_MODULE, "environment"),
    (RoundOutcome.NO_RESULT, "collected 0 items", FailureKind.NOTHING_COLLECTED, "tests"),
    (RoundOutcome.NO_RESULT, "the report cannot be read", FailureKind.NO_REPORT, "tests"),
    (RoundOutcome.NO_RESULT, "no test passed: 3 skipped, of 3", FailureKind.ALL_SKIPPED, "environment"),
    (
        RoundOutcome.NOT_RUNNABLE,
        "the test command could not be started (exit code 126)",
        FailureKind.NOT_RUNNABLE,
        "tests",
    ),
    (RoundOutcome.NOT_RUNNABLE, "/bin/sh: 1: pytest: not found", FailureKind.MISSING_PROGRAM, "environment"),
    (RoundOutcome.TIME_LIMIT, "did not end within 1800 s", FailureKind.TEST_TIME, "tests"),
    (RoundOutcome.BUILD_TIME_LIMIT, "", FailureKind.BUILD_TIME, "environment"),
    (RoundOutcome.OUT_OF_MEMORY, "OOMKilled", FailureKind.TEST_MEMORY, "tests"),
    (RoundOutcome.BUILD_OUT_OF_MEMORY, "OOMKilled", FailureKind.BUILD_MEMORY, "environment"),
    (RoundOutcome.BUILD_DISK_FULL, "No space left on device", FailureKind.BUILD_DISK, "environment"),
    (RoundOutcome.BOTH_PASSED, "", FailureKind.BEFORE_PASSED, "tests"),
    (RoundOutcome.BEFORE_UNCLEAR, "", FailureKind.BEFORE_UNCLEAR, "tests"),
    (
        RoundOutcome.AFTER_FAILED,
        "FAILED tests/test_a.py::test_x - AssertionError",
        FailureKind.AFTER_FAILED,
        "environment",
    ),
    (RoundOutcome.INFRASTRUCTURE, "", FailureKind.INFRASTRUCTURE, "environment"),
]


@pytest.mark.parametrize(
    ("outcome", "message", "kind", "route"),
    FAILURES,
    ids=[f"{case[0].value}: {case[2].value}" for case in FAILURES],
)
def test_failures_are_classified_and_routed_to_the_role_that_can_act(
    outcome: RoundOutcome, message: str, kind: FailureKind, route: str
) -> None:
    guidance = guidance_for(outcome, message)
    assert (guidance.kind, guidance.route) == (kind, route)


@pytest.mark.parametrize("outcome", list(RoundOutcome), ids=str)
def test_every_outcome_has_guidance(outcome: RoundOutcome) -> None:
    assert guidance_for(outcome, "").default_guidance("").instructions


def test_every_kind_is_in_the_table_under_its_own_name() -> None:
    assert {kind: each.kind for kind, each in GUIDANCE_BY_KIND.items()} == {
        kind: kind for kind in FailureKind
    }


def test_default_guidance_contains_the_failure() -> None:
    default = guidance_for(RoundOutcome.STEP_FAILED, "").default_guidance("error: no gcc")
    assert not default.give_up and "error: no gcc" in default.instructions
