"""What does the end of a round mean for the next draft? Every outcome has a kind, a role that acts, and advice; pure.

This is what the analyst is told, and what is done when the analyst gives no usable answer: no outcome leads back to the
same draft.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.answers import Guidance, Route


class FailureKind(StrEnum):
    """What went wrong, in classes that ask for different answers."""

    SYNTAX = "Dockerfile syntax"
    POLICY = "Dockerfile policy"
    BASE_IMAGE = "base image missing"
    FAILING_STEP = "build step failed"
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
    TEST_TIME = "tests out of time"
    TEST_MEMORY = "tests out of memory"
    AFTER_FAILED = "tests fail after the fix"
    BEFORE_PASSED = "tests pass before the fix"
    BEFORE_UNCLEAR = "unclear before the fix"
    CHECKOUT = "proven image not reusable"
    INFRASTRUCTURE = "cluster fault"
    ACCEPTED = "accepted"


@dataclass(frozen=True)
class FailureGuidance:
    """What one kind asks for."""

    kind: FailureKind
    route: Route
    meaning: str
    """What has been measured, in a sentence."""
    advice: str
    """What usually helps."""

    def default_guidance(self, message: str) -> Guidance:
        """What is done when no analyst speaks."""
        said = f"{self.advice} The measured failure was:\n{message}" if message.strip() else self.advice
        return Guidance(give_up=False, reason=self.meaning, route=self.route, instructions=said)


def guidance_for(outcome: RoundOutcome, message: str) -> FailureGuidance:
    """What the end of a round asks for; ``message`` has the telling lines of its log."""
    refined = (kinds[outcome] for sign, kinds in _LOG_PATTERNS if outcome in kinds and sign.search(message))
    return GUIDANCE_BY_KIND[next(refined, KIND_BY_OUTCOME[outcome])]


KIND_BY_OUTCOME: dict[RoundOutcome, FailureKind] = {
    RoundOutcome.ACCEPTED: FailureKind.ACCEPTED,
    RoundOutcome.ACCEPTED_ERROR2PASS: FailureKind.ACCEPTED,
    RoundOutcome.BOTH_PASSED: FailureKind.BEFORE_PASSED,
    RoundOutcome.DOCKERFILE_INVALID: FailureKind.SYNTAX,
    RoundOutcome.POLICY_REFUSED: FailureKind.POLICY,
    RoundOutcome.BASE_IMAGE_MISSING: FailureKind.BASE_IMAGE,
    RoundOutcome.STEP_FAILED: FailureKind.FAILING_STEP,
    RoundOutcome.BUILD_TIME_LIMIT: FailureKind.BUILD_TIME,
    RoundOutcome.BUILD_DISK_FULL: FailureKind.BUILD_DISK,
    RoundOutcome.BUILD_OUT_OF_MEMORY: FailureKind.BUILD_MEMORY,
    RoundOutcome.PUSH_FAILED: FailureKind.PUSH,
    RoundOutcome.NOT_RUNNABLE: FailureKind.NOT_RUNNABLE,
    RoundOutcome.NO_RESULT: FailureKind.NO_REPORT,
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
)
"""The first sign that the telling lines show refines the outcome's kind."""


def _entry(kind: FailureKind, route: Route, meaning: str, advice: str) -> tuple[FailureKind, FailureGuidance]:
    return kind, FailureGuidance(kind, route, meaning, advice)


GUIDANCE_BY_KIND: dict[FailureKind, FailureGuidance] = dict(
    (
        _entry(
            FailureKind.SYNTAX,
            "environment",
            "The Dockerfile could not be read, or copies what is not in the repository.",
            "Correct the instruction that is named; check every COPY against the root folder's listing.",
        ),
        _entry(
            FailureKind.POLICY,
            "environment",
            "The Dockerfile breaks a rule, so it was not built.",
            "Rewrite the lines that are named so that they keep the rule.",
        ),
        _entry(
            FailureKind.BASE_IMAGE,
            "environment",
            "The base image does not exist or may not be pulled.",
            "Use one of the base images that are known to exist.",
        ),
        _entry(
            FailureKind.FAILING_STEP,
            "environment",
            "A build step ended with an error.",
            "Change that step: pin or replace the package that fails, or add what its error asks for.",
        ),
        _entry(
            FailureKind.SYSTEM_PACKAGE,
            "environment",
            "A build step misses a program, header or library of the system.",
            "Install the system package that provides it before that step.",
        ),
        _entry(
            FailureKind.BUILD_TIME,
            "environment",
            "The build did not end within its time limit.",
            "Install prebuilt packages instead of compiling, and leave out what the tests do not need.",
        ),
        _entry(
            FailureKind.BUILD_DISK,
            "environment",
            "The build filled its disk.",
            "Leave out large packages that the tests do not need, and remove caches in the step that makes them.",
        ),
        _entry(
            FailureKind.BUILD_MEMORY,
            "environment",
            "A build step was killed because memory ran out.",
            "Install prebuilt packages, or compile with fewer parallel jobs.",
        ),
        _entry(
            FailureKind.PUSH,
            "environment",
            "The image was built but could not be stored.",
            "Make the image smaller; change nothing else.",
        ),
        _entry(
            FailureKind.MISSING_MODULE,
            "environment",
            "The tests could not import something that is not installed.",
            "Install the module that is named, in a version of the time of this commit.",
        ),
        _entry(
            FailureKind.MISSING_PROGRAM,
            "environment",
            "The test command needs a program that is not in the image.",
            "Install it, or put it on the PATH with ENV.",
        ),
        _entry(
            FailureKind.NOT_RUNNABLE,
            "tests",
            "The test command could not be started.",
            "Call a program that is in the image, by its full path if need be.",
        ),
        _entry(
            FailureKind.NOTHING_COLLECTED,
            "tests",
            "The test command ran no test.",
            "Name the test files in the way this runner wants them, and check the folder it starts in.",
        ),
        _entry(
            FailureKind.NO_REPORT,
            "tests",
            "The test command ended without a result that can be read.",
            "Write the report where its glob looks, and check the options for this runner's version.",
        ),
        _entry(
            FailureKind.TEST_TIME,
            "tests",
            "The tests did not end within their time limit.",
            "Run only the test files that are named, without waiting for input or the network.",
        ),
        _entry(
            FailureKind.TEST_MEMORY,
            "tests",
            "The tests were killed because memory ran out.",
            "Run only the test files that are named, one after the other, without parallel workers.",
        ),
        _entry(
            FailureKind.AFTER_FAILED,
            "environment",
            "Tests ran and some still fail although the fix is applied.",
            "Look for versions of dependencies that are too new or too old for this commit.",
        ),
        _entry(
            FailureKind.BEFORE_PASSED,
            "tests",
            "The tests pass without the fix.",
            "Make sure that the command runs the test files that are named, and that its exit code is the runner's.",
        ),
        _entry(
            FailureKind.BEFORE_UNCLEAR,
            "tests",
            "The tests pass after the fix, but before it they ended neither as passed nor as failed.",
            "Give single tests a time limit, so that a test that hangs counts as failed.",
        ),
        _entry(
            FailureKind.CHECKOUT,
            "environment",
            "A proven image of another commit could not be given this commit's files.",
            "Write a Dockerfile of its own for this commit.",
        ),
        _entry(
            FailureKind.INFRASTRUCTURE,
            "environment",
            "The cluster failed, not the draft.",
            "Change as little as possible: the draft has not been judged.",
        ),
        _entry(FailureKind.ACCEPTED, "tests", "The round was accepted.", "There is nothing to change."),
    )
)
