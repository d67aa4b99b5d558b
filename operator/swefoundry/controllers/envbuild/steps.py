"""Steps that the rules decide on, and results that the actions return."""

from dataclasses import dataclass

from swefoundry import errors
from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.contracts.agent import AgentResult
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.checkout import CheckoutResult
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.controllers.envbuild.search_state import WaitReason
from swefoundry.controllers.steps import NoOp, Restart, RunWork
from swefoundry.drafts.proposal import Proposal
from swefoundry.workloads.decide import WAIT_REQUEUE_SECONDS, AttemptChange, CollectResult
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted, Queued


@dataclass(frozen=True)
class StartRound:
    """Store the proposed draft and start a round with it."""

    proposal: Proposal
    leads: bool = False
    """Whether the others of its group wait for this round."""


@dataclass(frozen=True)
class RequestAgents:
    """Let the agents write the next draft."""


@dataclass(frozen=True)
class EndAgents:
    """Request no further draft from the agents: a budget for models is spent."""

    message: str


@dataclass(frozen=True)
class WaitForSearch:
    """Wait for the end of another EnvBuild, whose image may be reused."""

    message: str
    requeue_seconds: float = WAIT_REQUEUE_SECONDS
    reason: WaitReason = WaitReason.GROUP


@dataclass(frozen=True)
class RetryLater:
    """Reconcile again after the backoff: what the decision needs could not be read."""

    error: errors.SwefoundryError


@dataclass(frozen=True)
class AcceptRound:
    """End the search with the image of an accepted round."""

    round: Round
    basis: str
    """fail2pass, error2pass or tests-ran."""


@dataclass(frozen=True)
class EndSearch:
    """End the search without an accepted image."""

    reason: str
    message: str
    judged_round: Round | None = None
    """Its image is published all the same, so that the row gets a verdict."""


Step = (
    NoOp
    | Restart
    | RunWork
    | StartRound
    | RequestAgents
    | EndAgents
    | WaitForSearch
    | RetryLater
    | AcceptRound
    | EndSearch
)


@dataclass(frozen=True)
class RoundStarted:
    """A new round; it may have ended at once, when the policy refused its draft."""

    round: Round


@dataclass(frozen=True)
class CheckoutFinished:
    """The checkout pod ended with this record; its layer, if any, was put on the parent image."""

    move: CollectResult
    record: CheckoutResult
    composed: Digest | None = None
    complete: bool = True
    """Whether the composed image is final: no rebuild command has to run in it."""
    message: str = ""
    """Why there is no image."""


@dataclass(frozen=True)
class AgentsRequested:
    """The agents are to write the next draft."""


@dataclass(frozen=True)
class AgentBudgetSpent:
    """No agent pod may be started any more: a budget for models is spent."""

    message: str


@dataclass(frozen=True)
class AgentFinished:
    """An agent pod ended with this record; with a new round, when it wrote a draft."""

    move: CollectResult
    record: AgentResult
    round: Round | None = None


@dataclass(frozen=True)
class BuildFinished:
    """The build pod ended with this record."""

    move: CollectResult
    record: BuildResult


@dataclass(frozen=True)
class ProbeFinished:
    """A probe ended with a result."""

    move: CollectResult
    probe: ProbeResult
    excerpt: str
    """What went wrong: a sentence where there is no result, and the diagnostic lines of the log."""
    network_open: bool = False


Result = (
    IntakeFinished
    | RoundStarted
    | AgentsRequested
    | AgentBudgetSpent
    | AgentFinished
    | CheckoutFinished
    | BuildFinished
    | ProbeFinished
    | PodStarted
    | Queued
    | AttemptChange
)


def probe_stages(with_patches: bool) -> tuple[Stage, ...]:
    """Trees that a draft is probed on: before and after the fix, or the tree as it is without a fix."""
    return PROBE if with_patches else (Stage.BASE,)


@dataclass(frozen=True)
class PreparedSource:
    """Digests that an intake left."""

    source: Digest
    facts: Digest
