"""The order that an agent pod gets and the record that it leaves: one pod for one turn of the loop.

One turn of the loop is everything from the last round's outcome to the next draft: the roles that have to speak, and
all the model turns that they need.
"""

from datetime import datetime

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.models import Model, Usage
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.wire import WireModel

AGENT_SPEC_VARIABLE = "SWEFOUNDRY_AGENT"
"""Name of the environment variable that carries the order."""


class PastRound(WireModel):
    """A round that ended, of whatever strategy: what the analyst reads."""

    number: int
    strategy: str
    draft: Digest
    outcome: RoundOutcome
    message: str = ""
    """Why, with the telling lines (at most 2048 characters)."""
    build_log: Digest | None = None
    """Blob with the build log."""
    probes: dict[str, Digest] = {}
    """Per stage (`before`, `after`, `base`): the evidence artifact with output.log, reports and record.json."""
    codes: dict[str, int] = {}
    """Per stage: the canonical exit code."""


class Allowance(WireModel):
    """What this pod may still spend; absent: no limit. The least of all budgets that apply, each with its name."""

    turns_per_role: int | None = None
    tokens: int | None = None
    micro_usd: int | None = None
    tokens_named: str = ""
    """Which budget the tokens are of, and how to raise it: `spec.budget.llmTokens`, `namespace`, `operator`."""
    usd_named: str = ""


class Ablation(WireModel):
    """Switches for experiments: what the loop does without."""

    no_explorer: bool = False
    """The deterministic brief alone; no model explores the repository."""
    no_feedback: bool = False
    """Every round is drafted as if it were the first: the analyst is not asked, no outcome is shown."""


class AgentSpec(WireModel):
    """Write the next draft."""

    v: int = 1
    nonce: str
    place: RegistryLocation
    conversation: str
    """UID of the EnvBuild: turns are stored under it, so that nobody else's are taken for ours."""
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
    """Artifact that the last agent pod left: reports, guidance and conversations."""
    ladder: list[Model]
    allowed_bases: list[str] = []
    """Patterns of base images; empty allows any."""
    base_images: list[str] = []
    """Base images that are known to be there, best known first."""
    key_file: str | None = None
    """Path of the mounted API key; None: the endpoint wants none."""
    ca_file: str | None = None
    """Path of a PEM bundle to trust besides the usual ones."""
    allowance: Allowance = Allowance()
    ablation: Ablation = Ablation()
    time_limit_seconds: int = 1800


class AgentResult(WireModel):
    """What an agent pod leaves behind; ``code`` is one of OK, GAVE_UP, BUDGET_SPENT, MODEL_UNAVAILABLE,
    MODEL_REFUSED, REPEATED, MALFORMED, TIME_LIMIT, INFRASTRUCTURE, BAD_ORDER.
    """

    v: int = 1
    nonce: str
    code: int
    message: str = ""
    """One sentence for people: the analyst's reason, the budget that is spent, what the endpoint said."""
    draft: Digest | None = None
    """Blob with the draft, when the code is OK."""
    label: str = ""
    """What distinguishes the draft, for people: `gpt-x, after StepFailed: added libxml2-dev`."""
    claimed: bool = False
    """The model believes that this draft will be accepted. Recorded, never believed."""
    state: Digest | None = None
    """Artifact for the next agent pod."""
    transcript: Digest | None = None
    """Artifact (transcript.json) with every turn so far, redacted."""
    usage: Usage = Usage()
    """Of this pod's turns, those that it found stored included."""
    rung: int = 0
    """Index in the ladder of the model that spoke last."""
