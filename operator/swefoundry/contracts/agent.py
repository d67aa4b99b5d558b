"""Spec and result of an agent pod, which writes one draft.

A pod does everything from the last round's outcome to the next draft: all roles that this needs, with all their model
turns.
"""

from datetime import datetime

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.models import Model, Usage
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.wire import WireModel

AGENT_SPEC_VARIABLE = "SWEFOUNDRY_AGENT"
"""Environment variable with the spec."""


class PastRound(WireModel):
    """A finished round of any strategy, as the analyst reads it."""

    number: int
    strategy: str
    label: str | None = None
    """What distinguishes the draft, for people."""
    draft: Digest
    outcome: RoundOutcome
    message: str = ""
    """The reason, with a log excerpt (at most 2048 characters)."""
    build_log: Digest | None = None
    """Blob with the build log."""
    probes: dict[str, Digest] = {}
    """Per stage (`before`, `after`, `base`): the evidence artifact with output.log, reports and record.json."""
    codes: dict[str, int] = {}
    """Per stage: the canonical exit code."""


class Allowance(WireModel):
    """What this pod may still spend; absent: no limit. The minimum of all budgets, with the name of the tightest."""

    turns_per_role: int | None = None
    tokens: int | None = None
    micro_usd: int | None = None
    tokens_named: str = ""
    """Which budget limits the tokens, and how to raise it: `spec.budget.llmTokens`, `namespace`, `operator`."""
    usd_named: str = ""


class Ablation(WireModel):
    """Switches for experiments: parts of the loop that are left out."""

    no_explorer: bool = False
    """Only the deterministic summary; no model explores the repository."""
    no_feedback: bool = False
    """Every round is drafted as if it were the first: no analyst, no outcome in prompts."""


class BuildAccess(WireModel):
    """What a build adds to every step, and where it can go."""

    variables: dict[str, str] = {}
    """Names of the operator's variables (HTTP_PROXY, PIP_INDEX_URL) -> host[:port] of the address; empty: none."""
    certificates: bool = False
    """Whether certificates are added to the usual ones."""
    hosts: list[str] = []
    """Hosts that builds can reach, and no others; empty: not known."""


class AgentSpec(WireModel):
    """Spec of an agent pod: write the next draft."""

    v: int = 1
    nonce: str
    place: RegistryLocation
    conversation: str
    """UID of the EnvBuild. Model turns are stored under it, so that those of other EnvBuilds are not reused."""
    repo: str
    source: Digest
    """Artifact of the clean tree."""
    facts: Digest
    version: str | None = None
    language: str | None = None
    created_at: datetime | None = None
    rounds: list[PastRound] = []
    """Every round so far, oldest first, of all strategies."""
    references: list[Digest] = []
    """Drafts that were proven for other commits of the repository."""
    state: Digest | None = None
    """Artifact written by the previous agent pod: reports, guidance and conversations."""
    ladder: list[Model]
    allowed_bases: list[str] = []
    """Patterns of base images; empty allows any."""
    base_images: list[str] = []
    """Base images to choose from, preferred ones first, without those that are missing."""
    missing_images: list[str] | None = None
    """Base images that the operator knows to be missing."""
    mirrors: dict[str, str] | None = None
    """Registry host -> host[:port][/path] that builds pull base images through; the agent pod looks them up there."""
    build_access: BuildAccess | None = None
    """For the roles that write what is built."""
    key_file: str | None = None
    """Path of the mounted API key; None: the endpoint needs none."""
    ca_file: str | None = None
    """Path of a PEM bundle to trust besides the usual ones."""
    allowance: Allowance = Allowance()
    ablation: Ablation = Ablation()
    time_limit_seconds: int = 1800


class AgentResult(ProgramResult):
    """Result of an agent pod; ``code`` is one of OK, GAVE_UP, ROW_AT_FAULT, BUDGET_SPENT,
    MODEL_UNAVAILABLE, MODEL_REFUSED, REPEATED, MALFORMED, TIME_LIMIT, INFRASTRUCTURE, BAD_ORDER.
    """

    draft: Digest | None = None
    """Blob with the draft, when the code is OK."""
    label: str = ""
    """What distinguishes the draft, for people: `gpt-x, after StepFailed: added libxml2-dev`."""
    claimed: bool | None = None
    """The model expects this draft to be accepted; None: it was not asked. Recorded, never used in a decision."""
    state: Digest | None = None
    """Artifact for the next agent pod."""
    transcript: Digest | None = None
    """Artifact (transcript.json) with every turn so far, redacted."""
    usage: Usage = Usage()
    """Usage of this pod's turns, stored ones included."""
    rung: int = 0
    """Index in `ladder` of the model that answered last."""
