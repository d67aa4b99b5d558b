"""Steps of a TaskInstance and their results: the types that rules, actions and status share."""

from dataclasses import dataclass

from swefoundry.api.taskinstance import ControlEvaluation, Evaluation, ResultSets
from swefoundry.contracts.controls import ControlResult
from swefoundry.contracts.digests import Digest
from swefoundry.controllers.steps import NoOp, Restart, RunWork
from swefoundry.grading.verdict import Verdict
from swefoundry.workloads.decide import AttemptChange, CollectResult
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted, Queued


@dataclass(frozen=True)
class DeleteTask:
    """Delete the TaskInstance: its TTL after the end has passed."""


@dataclass(frozen=True)
class CreateEnvBuild:
    """Create the EnvBuild."""


@dataclass(frozen=True)
class WaitForEnvBuild:
    """Wait: the EnvBuild has not ended."""


@dataclass(frozen=True)
class Judge:
    """Find and store the verdict: every evaluation has ended. What each test did is in the registry."""


@dataclass(frozen=True)
class Fail:
    """End without a verdict."""

    reason: str
    message: str


Step = NoOp | Restart | DeleteTask | RunWork | CreateEnvBuild | WaitForEnvBuild | Judge | Fail


@dataclass(frozen=True)
class Evaluated:
    """An evaluation ended with a result."""

    move: CollectResult
    evaluation: Evaluation
    network_open: bool


@dataclass(frozen=True)
class ControlEvaluated:
    """An evaluation of a control ended with a result."""

    move: CollectResult
    evaluation: ControlEvaluation
    network_open: bool


@dataclass(frozen=True)
class LeaksSearched:
    """The search for leaks ended."""

    move: CollectResult
    control: ControlResult


@dataclass(frozen=True)
class EnvBuildCreated:
    """The EnvBuild exists."""

    name: str


@dataclass(frozen=True)
class EnvBuildDeleted:
    """The EnvBuild was deleted after its image was built."""

    name: str


@dataclass(frozen=True)
class Judged:
    """The verdict bundle is stored."""

    verdict: Verdict
    tests: ResultSets | None
    """None when the sets are not known."""
    bundle: Digest
    tests_unknown: str = ""
    """Why they are not known."""
    note: str = ""
    """What a person should know about how the tests were run."""
    tests_did: str = ""
    """What the tests did that explains the verdict, as sentences: samples that disagree, a test that hung."""
    controls: tuple[ControlResult, ...] = ()
    test_strength: int | None = None
    """In percent; None when `MutatedGold` was not run."""
    date_dependent: bool = False
    """Whether the test command sets the clock."""


Result = (
    IntakeFinished
    | Evaluated
    | ControlEvaluated
    | LeaksSearched
    | EnvBuildCreated
    | EnvBuildDeleted
    | Judged
    | PodStarted
    | Queued
    | AttemptChange
)
