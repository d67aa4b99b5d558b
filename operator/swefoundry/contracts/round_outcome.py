"""How a round of an environment search ended."""

from enum import StrEnum


class RoundOutcome(StrEnum):
    """How a round ended."""

    ACCEPTED = "Accepted"
    """before = tests failed and after = all passed, or the tests ran where there is nothing to compare."""
    ACCEPTED_ERROR2PASS = "AcceptedError2Pass"
    """The tests could not run before and all pass after: kept apart, but the environment is proven."""
    BOTH_PASSED = "BothPassed"
    """The environment works and the row is wrong: no other draft would change that."""
    CHECKOUT_FAILED = "CheckoutFailed"
    """The reused image could not be given the new tree: the image or its tree is gone, or a name cannot be stored."""
    DOCKERFILE_INVALID = "DockerfileInvalid"
    POLICY_REFUSED = "PolicyRefused"
    BASE_IMAGE_MISSING = "BaseImageMissing"
    STEP_FAILED = "StepFailed"
    ADDRESS_UNREACHABLE = "AddressUnreachable"
    """A step needs an address that did not answer in any attempt, or whose name does not exist."""
    BUILD_TIME_LIMIT = "BuildTimeLimit"
    BUILD_DISK_FULL = "BuildDiskFull"
    BUILD_OUT_OF_MEMORY = "BuildOutOfMemory"
    PUSH_FAILED = "PushFailed"
    NOT_RUNNABLE = "NotRunnable"
    """The test command could not be started after the fix."""
    SOURCE_SHADOWED = "SourceShadowed"
    """The image imports the project from another place than the tree, so its tests say nothing about the fix."""
    NO_RESULT = "NoResult"
    """Nothing collected, all tests skipped, or no readable report after the fix."""
    FAILURES_IGNORED = "FailuresIgnored"
    """The test command ended with 0 although its report has failed tests."""
    EXIT_UNEXPLAINED = "ExitUnexplained"
    """The test command ended with a failure although every test in its report passed."""
    ABORTED = "Aborted"
    """The test command ended in the middle of a test after the fix: a crash, or a call that ends the process."""
    AFTER_FAILED = "AfterFailed"
    """Tests still fail after the fix: the environment, or the row, is wrong."""
    TIME_LIMIT = "TimeLimit"
    OUT_OF_MEMORY = "OutOfMemory"
    BEFORE_UNCLEAR = "BeforeUnclear"
    """After passed; before ended in a way that is neither failed, passed nor errored (time limit, memory)."""
    INFRASTRUCTURE = "Infrastructure"
    """Infrastructure faults used up their retries."""


ACCEPTED_OUTCOMES = frozenset({RoundOutcome.ACCEPTED, RoundOutcome.ACCEPTED_ERROR2PASS})
"""Outcomes that prove an environment."""

CLUSTER_OUTCOMES = frozenset(
    {
        RoundOutcome.POLICY_REFUSED,
        RoundOutcome.BASE_IMAGE_MISSING,
        RoundOutcome.ADDRESS_UNREACHABLE,
        RoundOutcome.BUILD_TIME_LIMIT,
        RoundOutcome.BUILD_DISK_FULL,
        RoundOutcome.BUILD_OUT_OF_MEMORY,
        RoundOutcome.PUSH_FAILED,
        RoundOutcome.TIME_LIMIT,
        RoundOutcome.OUT_OF_MEMORY,
        RoundOutcome.INFRASTRUCTURE,
    }
)
"""Outcomes that may be due to the cluster, its load or its settings: the same draft may end otherwise another day."""
