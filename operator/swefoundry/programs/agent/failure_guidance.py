"""The usual guidance for every kind of failure: the role that has to act, and the usual fix. Pure.

The analyst reads it, and it is used instead of the analyst's answer when that is invalid. No kind leads to the same
draft again.
"""

from dataclasses import dataclass

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.programs.agent.answers import Guidance, Route
from swefoundry.programs.agent.failure_kinds import FailureKind, classify_failure


@dataclass(frozen=True)
class FailureGuidance:
    """What to do about one kind of failure."""

    kind: FailureKind
    route: Route
    meaning: str
    """What was measured, in a sentence."""
    fix: str
    """What usually helps."""

    def default_guidance(self, message: str) -> Guidance:
        """The guidance that is used when the analyst gives no valid answer."""
        instructions = f"{self.fix} The measured failure was:\n{message}" if message.strip() else self.fix
        return Guidance(give_up=False, reason=self.meaning, route=self.route, instructions=instructions)


def guidance_for(outcome: RoundOutcome, message: str) -> FailureGuidance:
    """The usual guidance after a round; ``message`` has the most diagnostic lines of its log."""
    return GUIDANCE_BY_KIND[classify_failure(outcome, message)]


def _guidance(kind: FailureKind, route: Route, meaning: str, fix: str) -> tuple[FailureKind, FailureGuidance]:
    return kind, FailureGuidance(kind, route, meaning, fix)


GUIDANCE_BY_KIND: dict[FailureKind, FailureGuidance] = dict(
    (
        _guidance(
            FailureKind.SYNTAX,
            "environment",
            "The Dockerfile could not be read, or copies what is not in the repository.",
            "Correct the instruction that is named; check every COPY against the root folder's listing.",
        ),
        _guidance(
            FailureKind.POLICY,
            "environment",
            "The Dockerfile breaks a rule, so it was not built.",
            "Rewrite the lines that are named so that they keep the rule.",
        ),
        _guidance(
            FailureKind.BASE_IMAGE,
            "environment",
            "The base image does not exist or may not be pulled.",
            "Use one of the base images that are known to exist.",
        ),
        _guidance(
            FailureKind.FAILING_STEP,
            "environment",
            "A build step ended with an error.",
            "Change that step: pin or replace the package that fails, or add what its error asks for.",
        ),
        _guidance(
            FailureKind.ADDRESS,
            "environment",
            "A build step asks for an address that does not answer, or whose name does not exist.",
            "Do without that address: install the same thing from a package index, or leave it out.",
        ),
        _guidance(
            FailureKind.SYSTEM_PACKAGE,
            "environment",
            "A build step misses a program, header or library of the system.",
            "Install the system package that provides it before that step.",
        ),
        _guidance(
            FailureKind.BUILD_TIME,
            "environment",
            "The build did not end within its time limit.",
            "Install prebuilt packages instead of compiling, and leave out what the tests do not need.",
        ),
        _guidance(
            FailureKind.BUILD_DISK,
            "environment",
            "The build filled its disk.",
            "Leave out large packages that the tests do not need, and remove caches in the step that makes them.",
        ),
        _guidance(
            FailureKind.BUILD_MEMORY,
            "environment",
            "A build step was killed because memory ran out.",
            "Install prebuilt packages, or compile with fewer parallel jobs.",
        ),
        _guidance(
            FailureKind.PUSH,
            "environment",
            "The image was built but could not be stored.",
            "Make the image smaller; change nothing else.",
        ),
        _guidance(
            FailureKind.MISSING_MODULE,
            "environment",
            "The tests could not import something that is not installed.",
            "Install the module that is named, in a version of the time of this commit.",
        ),
        _guidance(
            FailureKind.MISSING_PROGRAM,
            "environment",
            "The test command needs a program that is not in the image.",
            "Install it, or put it on the PATH with ENV.",
        ),
        _guidance(
            FailureKind.NOT_RUNNABLE,
            "tests",
            "The test command could not be started.",
            "Call a program that is in the image, by its full path if need be.",
        ),
        _guidance(
            FailureKind.NOTHING_COLLECTED,
            "tests",
            "The test command ran no test.",
            "Name the test files in the way this runner wants them, and check the folder it starts in.",
        ),
        _guidance(
            FailureKind.NO_REPORT,
            "tests",
            "The test command ended without a result that can be read.",
            "Write the report where its glob looks, and check the options for this runner's version.",
        ),
        _guidance(
            FailureKind.ALL_SKIPPED,
            "environment",
            "Every test was skipped after the fix.",
            "Install what the reasons in the log name, or run as the user for whom the tests are not skipped.",
        ),
        _guidance(
            FailureKind.TEST_TIME,
            "tests",
            "The tests did not end within their time limit.",
            "Run only the test files that are named, without waiting for input or the network.",
        ),
        _guidance(
            FailureKind.TEST_MEMORY,
            "tests",
            "The tests were killed because memory ran out.",
            "Run only the test files that are named, one after the other, without parallel workers.",
        ),
        _guidance(
            FailureKind.FAILURES_IGNORED,
            "tests",
            "The test command ends with 0 although its report has failed tests.",
            "Make the runner's own exit code that of the command: no pipe, no `|| true`, no command after it.",
        ),
        _guidance(
            FailureKind.EXIT_UNEXPLAINED,
            "tests",
            "The test command ends with a failure although every test in its report passed.",
            "Turn off what else can fail the command: a coverage threshold, a linter, warnings that are errors.",
        ),
        _guidance(
            FailureKind.ABORTED,
            "environment",
            "After the fix, the test process ended in the middle of the test that is named.",
            "Look for a library of another version or without a system package: a crash is seldom the test's own.",
        ),
        _guidance(
            FailureKind.SOURCE_SHADOWED,
            "environment",
            "The image imports the project from another folder than /testbed, so the fix has no effect.",
            "Install the project editable from /testbed, or leave out the distribution that brings the same module.",
        ),
        _guidance(
            FailureKind.AFTER_FAILED,
            "environment",
            "Tests ran and some still fail although the fix is applied.",
            "Look for versions of dependencies that are too new or too old for this commit.",
        ),
        _guidance(
            FailureKind.BEFORE_PASSED,
            "tests",
            "The tests pass without the fix.",
            "Make sure that the command runs the test files that are named, and that its exit code is the runner's.",
        ),
        _guidance(
            FailureKind.BEFORE_UNCLEAR,
            "tests",
            "The tests pass after the fix, but before it they ended neither as passed nor as failed.",
            "Give single tests a time limit, so that a test that hangs counts as failed.",
        ),
        _guidance(
            FailureKind.CHECKOUT,
            "environment",
            "A proven image of another commit could not be given this commit's files.",
            "Write a Dockerfile of its own for this commit.",
        ),
        _guidance(
            FailureKind.INFRASTRUCTURE,
            "environment",
            "The cluster failed, not the draft.",
            "Change as little as possible: the draft has not been judged.",
        ),
        _guidance(FailureKind.ACCEPTED, "tests", "The round was accepted.", "There is nothing to change."),
    )
)
