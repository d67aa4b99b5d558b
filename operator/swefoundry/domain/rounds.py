"""One draft, built and probed: how a round may end, and what the next one may learn from it."""

from datetime import datetime
from enum import StrEnum

from swefoundry.domain.drafts import Draft, Overrides
from swefoundry.domain.facts import Facts
from swefoundry.domain.memory import Neighbour, Parent
from swefoundry.domain.values import Value


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
    BUILD_TIME_LIMIT = "BuildTimeLimit"
    BUILD_DISK_FULL = "BuildDiskFull"
    BUILD_OUT_OF_MEMORY = "BuildOutOfMemory"
    PUSH_FAILED = "PushFailed"
    NOT_RUNNABLE = "NotRunnable"
    """The test command could not be started after the fix."""
    NO_RESULT = "NoResult"
    """Nothing collected or no readable report after the fix."""
    AFTER_FAILED = "AfterFailed"
    """Tests still fail after the fix: the environment, or the row, is wrong."""
    TIME_LIMIT = "TimeLimit"
    OUT_OF_MEMORY = "OutOfMemory"
    BEFORE_UNCLEAR = "BeforeUnclear"
    """After passed; before ended in a way that is neither failed, passed nor errored (time limit, memory)."""
    INFRASTRUCTURE = "Infrastructure"
    """Infrastructure faults used up their retries."""


class Tried(Value):
    """A round that ended, as a strategy sees it."""

    strategy: str
    label: str
    draft: Draft
    outcome: RoundOutcome
    message: str = ""
    """The telling lines (2048 characters at most): of the failing step, or of the `after` log."""
    parent: Parent | None = None
    """Set when the round reused an image."""


class Proposal(Value):
    """A draft and what distinguishes it."""

    strategy: str
    label: str
    """A few words for people: `python 3.11, uv, extras test, as of 2023-06-15`."""
    draft: Draft
    parent: Parent | None = None
    """Set when the image is not built but composed: this image plus a layer with the new checkout."""


class Ask(Value):
    """Everything that a strategy may know."""

    facts: Facts
    language: str | None = None
    created_at: datetime | None = None
    version: str | None = None
    draft: Draft | None = None
    """The user's own draft."""
    overrides: Overrides | None = None
    base_images: dict[str, list[str]] = {}
    """Per language, the base images that the operator may use, best known first: {"python":
    ["python:3.11-slim", …]}.
    """
    tried: tuple[Tried, ...] = ()
    """Rounds so far, oldest first."""
    neighbours: tuple[Neighbour, ...] = ()
    """Proven environments of the same repository whose images may be tried, nearest first."""
    references: tuple[Neighbour, ...] = ()
    """Proven environments of the same repository to learn from, nearest first, whether or not their images do."""
