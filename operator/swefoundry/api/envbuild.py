"""EnvBuild: the search for one environment image, round by round."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, Field, WithJsonSchema, model_validator

from swefoundry.api.status_upgrade import upgraded
from swefoundry.api.types import (
    Attempt,
    Budget,
    Commit,
    Condition,
    Environment,
    InstancePodTemplate,
    Language,
    Outcomes,
    RepoName,
    Source,
    Validation,
    Version,
    cel_rule,
    cel_rules,
)
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.draft import CaseId
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.models import Usage
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.drafts.proven_environment import Parent


class Acceptance(WireModel):
    """Layers with which a draft's image is probed: `before` must fail and `after` must pass."""

    model_config = cel_rules(
        cel_rule(
            "has(self.layers.before) && has(self.layers.after)",
            "layers: before and after are both required",
            "layers",
        )
    )
    layers: dict[Stage, Layer] = Field(max_length=3, description="Per stage: overlay and runner.")


class EnvBuildSpec(WireModel):
    """What is to be built."""

    model_config = cel_rules(
        cel_rule("self == oldSelf", "spec is immutable: create another EnvBuild instead"),
        cel_rule(
            "has(self.baseCommit) || !has(self.source.git)",
            "baseCommit: required for git sources",
            "baseCommit",
        ),
    )
    repo: RepoName = Field(description="owner/name of the repository.")
    source: Source = Field(
        description="Where the content comes from; a TaskInstance gives its own source artifact."
    )
    base_commit: Commit | None = Field(
        default=None, description="Commit to build at; required for git sources."
    )
    created_at: AwareDatetime | None = Field(
        default=None, description="Dependencies are resolved as of then."
    )
    version: Version | None = Field(default=None, description="Version of the project, a label.")
    language: Language | None = Field(
        default=None, description="Main language, lower case; detected when absent."
    )
    facts: Digest | None = Field(
        default=None, description="Blob with the facts about the tree; absent: intake finds them."
    )
    acceptance: Acceptance | None = Field(
        default=None,
        description="What drafts are probed with. "
        "Absent: accepted when the tests run and report at least one test.",
    )
    environment: Environment = Field(default=Environment(), description="How the image is made.")
    validation: Validation = Field(default=Validation(), description="How the tests are run in probes.")
    budget: Budget = Field(default=Budget(), description="What may be spent.")
    tag: str | None = Field(
        default=None,
        max_length=128,
        pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$",
        description="Human tag for the image.",
    )
    pod_template: InstancePodTemplate | None = Field(
        default=None, description="Fields of its pods. Which ones may be set is a setting of the operator."
    )


class ProbeResult(WireModel):
    """One probe of a round."""

    stage: Stage = Field(description="Tree that was probed.")
    code: int | None = Field(
        default=None, ge=0, le=255, description="Canonical exit code; absent when a fault prevented a result."
    )
    fault: str | None = Field(default=None, max_length=128, description="The fault that prevented a result.")
    raw_exit: int | None = Field(default=None, description="The test command's own exit code.")
    tests: int | None = Field(default=None, ge=0, description="Tests in the report.")
    failed: int | None = Field(default=None, ge=0, description="Failed tests in the report.")
    passed: int | None = Field(default=None, ge=0, description="Passed tests in the report.")
    seconds: float | None = Field(default=None, ge=0, description="Seconds that the test command ran.")
    measured: MeasuredResources | None = Field(default=None, description="What the container used.")
    running: CaseId | None = Field(default=None, description="The test in which the run ended.")
    not_failing: list[CaseId] = Field(
        default=[], max_length=64, description="Tolerated failures of the draft that did not fail here."
    )
    outcomes: Outcomes | None = Field(
        default=None,
        description="Hash over what each test did; equal ones agree. Absent when that is not known.",
    )
    evidence: Digest | None = Field(
        default=None, description="Artifact with the log, the reports and the record."
    )


class Round(WireModel):
    """One draft, built and probed."""

    number: int = Field(ge=0, description="From 1. (From 0 in a status of the release before.)")
    strategy: str = Field(max_length=32, description="Strategy that proposed the draft.")
    label: str = Field(default="", max_length=200, description="What distinguishes the draft, for people.")
    draft: Digest = Field(description="Digest of the draft.")
    image: Digest | None = Field(default=None, description="The image, once built.")
    probes: list[ProbeResult] = Field(default=[], max_length=3, description="Probes that ended.")
    outcome: Annotated[RoundOutcome, WithJsonSchema({"type": "string", "maxLength": 64})] | None = Field(
        default=None, description="How the round ended; absent while it runs."
    )
    message: str | None = Field(default=None, max_length=2048, description="Why, with the telling lines.")
    evidence: Digest | None = Field(default=None, description="Blob with the build log.")
    seconds: float = Field(default=0, ge=0, description="Seconds that the round's pods ran.")
    parent: Parent | None = Field(
        default=None, description="Set when the round reuses an image: it is composed, not built."
    )
    tolerated: int = Field(default=0, ge=0, description="Tests whose failures the draft tolerates.")
    run_as_user: int | None = Field(
        default=None, ge=1, le=65533, description="User that the draft runs the tests as; absent: root."
    )
    root_sensitive: bool = Field(
        default=False,
        description="The tests ask for the user or for permissions, and the draft runs them as root: that they pass "
        "without the fix, too, is not final.",
    )
    composed: Digest | None = Field(
        default=None, description="The parent with the new checkout, before the rebuild command ran in it."
    )
    claimed: bool | None = Field(
        default=None,
        description="Whether the model believed that its draft would be accepted; recorded, and used in no decision.",
    )
    usage: Usage | None = Field(default=None, description="What models were used for this draft.")
    retried: bool | None = Field(
        default=None,
        description="A retry by hand came after this round, whose outcome may be due to the cluster: its draft may be "
        "tried again, and the round does not count in the budget.",
    )

    @property
    def index(self) -> int:
        """From 0, as names of pods and tags count."""
        return self.number - 1


DEPRECATED = "Deprecated: former name of {}; read for one release, never written."


class Agents(WireModel):
    """What the strategy `agents` has done so far."""

    drafts_requested: int = Field(default=0, ge=0, description="Drafts requested of the agents.")
    drafting: int | None = Field(
        default=None, ge=0, description="Number of the round whose draft they are writing; absent: none."
    )
    end_reason: str | None = Field(
        default=None, max_length=64, description="Why they write no further draft, as a constant."
    )
    message: str | None = Field(default=None, max_length=2048, description="Why, as a sentence.")
    state: Digest | None = Field(default=None, description="Artifact that the next agent pod goes on from.")
    transcript: Digest | None = Field(
        default=None, description="Artifact with everything that was said to models and what they answered."
    )
    model_index: int = Field(
        default=0, ge=0, description="Index, in the operator's list of models, of the one that answered last."
    )
    overclaimed: int = Field(
        default=0, ge=0, description="Drafts that the model believed in and the probe refused."
    )
    underclaimed: int = Field(
        default=0, ge=0, description="Drafts that the model doubted and the probe accepted."
    )
    asked: int | None = Field(default=None, ge=0, description=DEPRECATED.format("draftsRequested"))
    ended: str | None = Field(default=None, max_length=64, description=DEPRECATED.format("endReason"))
    rung: int | None = Field(default=None, ge=0, description=DEPRECATED.format("modelIndex"))


EnvPhase = Literal["Pending", "Queued", "Intake", "Drafting", "Building", "Probing", "Ready", "Failed"]


class EnvBuildStatus(WireModel):
    """What is known so far."""

    observed_generation: int = Field(default=0, ge=0, description="Generation of the spec that was acted on.")
    phase: EnvPhase = Field(default="Pending", description="A summary of the conditions, for people.")
    conditions: list[Condition] = Field(
        default=[],
        max_length=16,
        description="Standard conditions.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    source: Digest | None = Field(
        default=None, description="Artifact of the clean tree, when this EnvBuild took it in."
    )
    facts: Digest | None = Field(default=None, description="Blob with the facts about the tree.")
    layers: dict[Stage, Layer] = Field(
        default={}, max_length=3, description="Layers when this EnvBuild took the source in."
    )
    round: int | None = Field(default=None, ge=0, description="How many drafts were tried.")
    rounds: list[Round] = Field(default=[], max_length=50, description="Every draft that was tried.")
    image: Digest | None = Field(default=None, description="The image: accepted, or the best there was.")
    image_name: str | None = Field(
        default=None, max_length=512, description="registry/repository:tag as nodes pull it."
    )
    draft: Digest | None = Field(default=None, description="Blob with the draft that made the image.")
    strategy: str | None = Field(default=None, max_length=32, description="Strategy that made the image.")
    accepted_on: str | None = Field(
        default=None,
        max_length=64,
        description="What the image was accepted on: fail2pass, error2pass or tests-ran.",
    )
    environment_group: EnvironmentGroup | None = Field(
        default=None,
        description="The EnvBuilds of the repository that probably share an environment: one of them searches, the "
        "others wait for its image.",
    )
    environment_record: Digest | None = Field(
        default=None, description="Artifact by which other commits of the repository find the image."
    )
    usage: Usage | None = Field(default=None, description="What models were used, all rounds together.")
    cost: str | None = Field(
        default=None, max_length=32, description="What models cost, in US dollars, for people."
    )
    agents: Agents | None = Field(default=None, description="What the strategy `agents` has done so far.")
    running: list[Attempt] = Field(default=[], max_length=8, description="Pods that are in progress.")
    attempts: list[Attempt] = Field(default=[], max_length=5, description="The last five pods that ended.")
    infra_retries: int = Field(
        default=0, ge=0, description="Pods that were replaced after infrastructure faults."
    )
    pod_seconds: float = Field(default=0, ge=0, description="Seconds that pods ran.")
    retried: str | None = Field(
        default=None,
        max_length=256,
        description="Value of the annotation swefoundry.dev/retry that was acted on.",
    )
    first_attempt: int | None = Field(
        default=None, ge=0, description="Number of the first attempts since then; absent: 0."
    )
    started_at: datetime | None = Field(default=None, description="When work began.")
    finished_at: datetime | None = Field(default=None, description="When work ended.")
    duration: str | None = Field(
        default=None, max_length=32, description="Time from start to finish, for people."
    )
    remembered: Digest | None = Field(default=None, description=DEPRECATED.format("environmentRecord"))

    @property
    def tried_rounds(self) -> list[Round]:
        """Rounds whose drafts and images are not tried again, and which count in the budget."""
        return [item for item in self.rounds if not item.retried]

    @model_validator(mode="before")
    @classmethod
    def _upgrade(cls, status: Any) -> Any:
        """Read a status of the release before."""
        return upgraded(status) if isinstance(status, Mapping) else status
