"""Classifies the end of a round by what has to be fixed. Pure.

The outcome of the round gives the kind; patterns in its log refine it.
"""

import re
from enum import StrEnum

from swefoundry.contracts.round_outcome import RoundOutcome


class FailureKind(StrEnum):
    """Classes of failures that need different fixes."""

    SYNTAX = "Dockerfile syntax"
    POLICY = "Dockerfile policy"
    BASE_IMAGE = "base image missing"
    FAILING_STEP = "build step failed"
    ADDRESS = "address unreachable"
    SYSTEM_PACKAGE = "system package missing"
    BUILD_TIME = "build out of time"
    BUILD_DISK = "build out of disk"
    BUILD_MEMORY = "build out of memory"
    PUSH = "image could not be stored"
    MISSING_MODULE = "module missing"
    MISSING_PROGRAM = "program missing"
    NOT_RUNNABLE = "test command not runnable"
    NOTHING_COLLECTED = "nothing collected"
    NO_REPORT = "no readable result"
    ALL_SKIPPED = "all tests skipped"
    TEST_TIME = "tests out of time"
    TEST_MEMORY = "tests out of memory"
    FAILURES_IGNORED = "exit code hides failures"
    EXIT_UNEXPLAINED = "exit code without a failed test"
    ABORTED = "run ended in the middle of a test"
    SOURCE_SHADOWED = "tests do not import the source"
    AFTER_FAILED = "tests fail after the fix"
    BEFORE_PASSED = "tests pass before the fix"
    BEFORE_UNCLEAR = "unclear before the fix"
    CHECKOUT = "proven image not reusable"
    INFRASTRUCTURE = "cluster fault"
    ACCEPTED = "accepted"


def classify_failure(outcome: RoundOutcome, message: str) -> FailureKind:
    """The kind of a round's end; ``message`` has the most diagnostic lines of its log."""
    refined = (
        kinds[outcome] for pattern, kinds in _LOG_PATTERNS if outcome in kinds and pattern.search(message)
    )
    return next(refined, KIND_BY_OUTCOME[outcome])


KIND_BY_OUTCOME: dict[RoundOutcome, FailureKind] = {
    RoundOutcome.ACCEPTED: FailureKind.ACCEPTED,
    RoundOutcome.ACCEPTED_ERROR2PASS: FailureKind.ACCEPTED,
    RoundOutcome.BOTH_PASSED: FailureKind.BEFORE_PASSED,
    RoundOutcome.DOCKERFILE_INVALID: FailureKind.SYNTAX,
    RoundOutcome.POLICY_REFUSED: FailureKind.POLICY,
    RoundOutcome.BASE_IMAGE_MISSING: FailureKind.BASE_IMAGE,
    RoundOutcome.STEP_FAILED: FailureKind.FAILING_STEP,
    RoundOutcome.ADDRESS_UNREACHABLE: FailureKind.ADDRESS,
    RoundOutcome.BUILD_TIME_LIMIT: FailureKind.BUILD_TIME,
    RoundOutcome.BUILD_DISK_FULL: FailureKind.BUILD_DISK,
    RoundOutcome.BUILD_OUT_OF_MEMORY: FailureKind.BUILD_MEMORY,
    RoundOutcome.PUSH_FAILED: FailureKind.PUSH,
    RoundOutcome.NOT_RUNNABLE: FailureKind.NOT_RUNNABLE,
    RoundOutcome.NO_RESULT: FailureKind.NO_REPORT,
    RoundOutcome.FAILURES_IGNORED: FailureKind.FAILURES_IGNORED,
    RoundOutcome.EXIT_UNEXPLAINED: FailureKind.EXIT_UNEXPLAINED,
    RoundOutcome.ABORTED: FailureKind.ABORTED,
    RoundOutcome.SOURCE_SHADOWED: FailureKind.SOURCE_SHADOWED,
    RoundOutcome.AFTER_FAILED: FailureKind.AFTER_FAILED,
    RoundOutcome.TIME_LIMIT: FailureKind.TEST_TIME,
    RoundOutcome.OUT_OF_MEMORY: FailureKind.TEST_MEMORY,
    RoundOutcome.BEFORE_UNCLEAR: FailureKind.BEFORE_UNCLEAR,
    RoundOutcome.CHECKOUT_FAILED: FailureKind.CHECKOUT,
    RoundOutcome.INFRASTRUCTURE: FailureKind.INFRASTRUCTURE,
}

_TESTS_STARTED = (RoundOutcome.AFTER_FAILED, RoundOutcome.NO_RESULT, RoundOutcome.NOT_RUNNABLE)
_LOG_PATTERNS: tuple[tuple[re.Pattern[str], dict[RoundOutcome, FailureKind]], ...] = (
    (
        re.compile(
            r"ModuleNotFoundError|No module named|PackageNotFoundError|DistributionNotFound|Cannot find module"
            r"|cannot find package|fixture '\w+' not found|ClassNotFoundException|LoadError"
        ),
        dict.fromkeys(_TESTS_STARTED, FailureKind.MISSING_MODULE),
    ),
    (
        re.compile(
            r"fatal error: .*: No such file|cannot find -l\w+|[Uu]nable to locate package|pkg-config"
            r"|\w+-config not found|[Cc]ommand not found|: not found|unable to execute|cannot open shared object file"
        ),
        {RoundOutcome.STEP_FAILED: FailureKind.SYSTEM_PACKAGE},
    ),
    (
        re.compile(
            r"[Cc]ommand not found|: not found|executable file not found|cannot open shared object file"
        ),
        dict.fromkeys(_TESTS_STARTED, FailureKind.MISSING_PROGRAM),
    ),
    (
        re.compile(
            r"no tests ran|collected 0 items|no tests (were )?(found|collected)|0 tests"
            r"|file or directory not found"
        ),
        {RoundOutcome.NO_RESULT: FailureKind.NOTHING_COLLECTED},
    ),
    (re.compile(r"no test passed: "), {RoundOutcome.NO_RESULT: FailureKind.ALL_SKIPPED}),
)
"""The first pattern that matches the message refines the kind of the outcome."""
