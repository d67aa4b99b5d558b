"""What may be done about an EnvBuild, and what came of it: the words that decide, act and report share."""

from dataclasses import dataclass

from swefoundry.api.envbuild import ProbeResult, Round
from swefoundry.contracts.agent import AgentResult
from swefoundry.contracts.build import BuildResult
from swefoundry.contracts.checkout import CheckoutResult
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.stages import PROBE, Stage
from swefoundry.controllers.steps import NoOp, RunWork
from swefoundry.workloads.decide import CollectResult, Move, Wait
from swefoundry.workloads.intake.launch import IntakeFinished
from swefoundry.workloads.lifecycle import PodStarted, Queued


@dataclass(frozen=True)
class Propose:
    """Ask the strategies for the next draft."""


@dataclass(frozen=True)
class EndSearch:
    """There will be no further round."""

    reason: str
    message: str


Step = NoOp | RunWork | Propose | EndSearch


@dataclass(frozen=True)
class RoundStarted:
    """A new round; it may have ended at once, when the policy refused its draft."""

    round: Round


@dataclass(frozen=True)
class ParentUnusable:
    """The image that was asked for by name cannot be reused: only a person can help."""

    message: str


@dataclass(frozen=True)
class CheckoutFinished:
    """The checkout pod ended with this record, and its layer lies on the parent where there was one."""

    move: CollectResult
    record: CheckoutResult
    composed: Digest | None = None
    complete: bool = True
    """Whether that is the image already: no rebuild command is to be run in it."""
    message: str = ""
    """Why there is no image."""


@dataclass(frozen=True)
class NoDraftLeft:
    """No strategy has another draft."""


@dataclass(frozen=True)
class AgentsRequested:
    """It is the agents' turn to write the next draft."""


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
    """What went wrong: a sentence about its end where there is no result, and the lines of its log that tell."""
    network_open: bool = False


Proposing = RoundStarted | NoDraftLeft | AgentsRequested | ParentUnusable | Wait
Drafting = AgentFinished | AgentBudgetSpent
Result = (
    IntakeFinished
    | Proposing
    | CheckoutFinished
    | Drafting
    | BuildFinished
    | ProbeFinished
    | PodStarted
    | Queued
    | Move
)


def agent_work(number: int) -> str:
    """Name of the agents' work on a round's draft."""
    return f"agent-{number}"


def build_work(number: int) -> str:
    """Name of a round's build."""
    return f"build-{number}"


def checkout_work(number: int) -> str:
    """Name of the checkout of a round that reuses an image."""
    return f"checkout-{number}"


def probe_work(stage: Stage, number: int) -> str:
    """Name of one of a round's probes."""
    return f"{stage.value}-{number}"


def stage_of(work: str) -> Stage:
    """The stage of a probe's work."""
    return Stage(work.rpartition("-")[0])


def probe_stages(with_patches: bool) -> tuple[Stage, ...]:
    """What a draft is probed on: before and after the fix, or the tree as it is where there is no fix."""
    return PROBE if with_patches else (Stage.BASE,)


@dataclass(frozen=True)
class PreparedSource:
    """What intake left, wherever it is written down."""

    source: Digest
    facts: Digest
