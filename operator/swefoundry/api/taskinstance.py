"""TaskInstance: one issue-fixing commit that is to become a validated benchmark instance."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from swefoundry.api.types import (
    Attempt,
    Budget,
    Commit,
    Condition,
    Environment,
    InstancePodTemplate,
    KeyRef,
    Language,
    Outcomes,
    RepoName,
    Source,
    Validation,
    Version,
    cel_rule,
    cel_rules,
)
from swefoundry.contracts.controls import DEFAULT_CONTROLS, ControlName, ControlResult
from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.mutants import StoredMutants
from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel

INLINE_LIMIT = 65536
"""Most characters of an inline patch; longer ones go into a ConfigMap or an artifact."""


class Patch(WireModel):
    """A unified diff. Exactly one is set."""

    model_config = cel_rules(
        cel_rule(
            "[has(self.inline), has(self.configMapRef), has(self.artifact)].filter(x, x).size() == 1",
            "set exactly one of inline, configMapRef and artifact",
        )
    )
    inline: str | None = Field(
        default=None, min_length=1, max_length=INLINE_LIMIT, description="The diff itself, 64 KiB at most."
    )
    config_map_ref: KeyRef | None = Field(
        default=None, description="Key (data or binaryData) of a ConfigMap, 1 MiB at most."
    )
    artifact: Digest | None = Field(default=None, description="Digest of a blob in the task repository.")


class Text(WireModel):
    """A text for people or agents. Exactly one is set."""

    model_config = cel_rules(
        cel_rule("has(self.inline) != has(self.configMapRef)", "set exactly one of inline and configMapRef")
    )
    inline: str | None = Field(default=None, max_length=INLINE_LIMIT, description="The text itself.")
    config_map_ref: KeyRef | None = Field(default=None, description="Key of a ConfigMap.")


def _immutable(field: str) -> dict[str, str]:
    same = f"(!has(self.{field}) || self.{field} == oldSelf.{field})"
    return cel_rule(
        f"has(self.{field}) == has(oldSelf.{field}) && {same}",
        f"{field} is immutable: create another TaskInstance instead",
        field,
    )


IMMUTABLE = ("instanceId", "repo", "baseCommit", "source", "goldPatch", "testPatch")


class TaskValidation(Validation):
    """How the tests of a TaskInstance are run, and what is checked besides."""

    controls: list[ControlName] = Field(
        default=list(DEFAULT_CONTROLS),
        max_length=16,
        description="Checks of an instance whose verdict is `fail2pass`; none of them changes it. The default are "
        "those that run no tests of their own.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


class TaskInstanceSpec(WireModel):
    """What is to be validated."""

    model_config = cel_rules(
        *(_immutable(field) for field in IMMUTABLE),
        cel_rule(
            "has(self.baseCommit) || (has(self.source) && !has(self.source.git))",
            "baseCommit: required for git sources (the default source is git)",
            "baseCommit",
        ),
    )
    instance_id: str = Field(
        min_length=1,
        max_length=200,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$",
        description="Identifier in the data set, such as pallets__click-2622. Immutable.",
    )
    repo: RepoName = Field(description="owner/name of the repository. Immutable.")
    base_commit: Commit | None = Field(
        default=None, description="Commit before the fix. Required for git sources. Immutable."
    )
    source: Source | None = Field(
        default=None,
        description="Where the content comes from; default: `https://github.com/<repo>.git`. Immutable.",
    )
    created_at: AwareDatetime | None = Field(
        default=None, description="When the fix was made; dependencies are resolved as of then."
    )
    version: Version | None = Field(default=None, description="Version of the project, a label.")
    language: Language | None = Field(
        default=None, description="Main language, lower case; detected when absent."
    )
    problem_statement: Text | None = Field(
        default=None, description="The issue's text. Never shown to a strategy."
    )
    gold_patch: Patch = Field(description="The reference fix, without tests. Immutable.")
    test_patch: Patch = Field(description="The hidden tests. Immutable.")
    environment: Environment = Field(default=Environment(), description="How the environment image is made.")
    validation: TaskValidation = Field(default=TaskValidation(), description="How the tests are run.")
    budget: Budget = Field(default=Budget(), description="What may be spent.")
    pod_template: InstancePodTemplate | None = Field(
        default=None,
        description="Fields of the pods that are created from now on. Which ones may be set is a setting of the "
        "operator; the environment's pods have those of the time at which the EnvBuild was created.",
    )
    suspend: bool = Field(default=False, description="Start no new pod while true; running pods end.")
    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31536000)] | None = Field(
        default=None, description="Delete the object this many seconds after it finished; absent keeps it."
    )


class Evaluation(WireModel):
    """The outcome of one evaluation of the matrix."""

    stage: Stage = Field(description="Tree that was evaluated.")
    repeat: int = Field(ge=0, le=19, description="Which repeat, from 0.")
    code: int | None = Field(
        default=None, ge=0, le=255, description="Canonical exit code; absent when a fault prevented a result."
    )
    fault: str | None = Field(default=None, max_length=128, description="The fault that prevented a result.")
    raw_exit: int | None = Field(default=None, description="The test command's own exit code.")
    note: str | None = Field(
        default=None,
        max_length=512,
        description="What the runner says about exit code and reports, for people.",
    )
    passed: int | None = Field(default=None, ge=0, description="Tests that passed, by the report.")
    failed: int | None = Field(default=None, ge=0, description="Tests that failed or erred, by the report.")
    skipped: int | None = Field(default=None, ge=0, description="Tests that were skipped, by the report.")
    seconds: float | None = Field(default=None, ge=0, description="Seconds that the test command ran.")
    measured: MeasuredResources | None = Field(default=None, description="What the container used.")
    outcomes: Outcomes | None = Field(
        default=None,
        description="Hash over what each test did; equal ones agree. Absent when that is not known.",
    )
    evidence: Digest | None = Field(
        default=None, description="Artifact with the log, the reports and the record."
    )


class ControlEvaluation(WireModel):
    """The outcome of one evaluation that a control varies."""

    control: ControlName = Field(description="Control that it is for.")
    number: int = Field(
        ge=0,
        le=19,
        description="What it varies: for `Cpu`, the number of CPUs; for `MutatedGold`, that of the hunk.",
    )
    code: int | None = Field(
        default=None, ge=0, le=255, description="Canonical exit code; absent when a fault prevented a result."
    )
    fault: str | None = Field(default=None, max_length=128, description="The fault that prevented a result.")
    evidence: Digest | None = Field(
        default=None, description="Artifact with the log, the reports and the record."
    )


class Prepared(WireModel):
    """Results of intake in the registry."""

    source: Digest = Field(description="Artifact of the clean tree.")
    layers: dict[Stage, Layer] = Field(default={}, description="Per stage: overlay and runner.", max_length=3)
    facts: Digest = Field(description="Blob with the facts about the tree.")
    fingerprint: str = Field(default="", max_length=71, description="Hash over manifests and lockfiles.")
    language: str | None = Field(default=None, max_length=32, description="Detected main language.")
    test_files: int = Field(default=0, ge=0, description="Test files that the test patch names.")
    patches: dict[str, Annotated[Digest, Field(description="Digest of the patch.")]] = Field(
        default={},
        max_length=2,
        description="Digests of the patches as they were applied, `test` and `gold`.",
    )
    notes: list[Annotated[str, Field(max_length=512)]] = Field(
        default=[], max_length=8, description="What intake completed in the patches, or did not fetch."
    )
    gold_difference: str | None = Field(
        default=None,
        max_length=512,
        description="How `after` without the gold patch differs from `before`; empty when it does not.",
    )
    mutants: StoredMutants | None = Field(
        default=None, description="Trees of `after` without one hunk of the gold patch, for `MutatedGold`."
    )
    clock_layer: Layer | None = Field(
        default=None, description="Layer of `after` with the library of a later clock, for `Clock`."
    )


Phase = Literal[
    "Pending", "Suspended", "Queued", "Intake", "Preparing", "Validating", "Validated", "Rejected", "Failed"
]
VerdictName = Literal[
    "fail2pass", "fail2fail", "pass2pass", "pass2fail", "error2pass", "flaky", "inconclusive"
]


class Image(WireModel):
    """The task image."""

    name: str = Field(max_length=512, description="registry/repository:tag as nodes pull it.")
    digest: Digest = Field(description="Digest of its manifest.")


class ResultSets(WireModel):
    """Numbers of tests in each set; the sets are in the verdict bundle."""

    fail_to_pass: int = Field(default=0, ge=0, description="Failed before, pass after.")
    error_to_pass: int = Field(
        default=0, ge=0, description="Pass after; their file could not be collected before."
    )
    pass_to_pass: int = Field(default=0, ge=0, description="Passed before and after.")
    unstable: int = Field(
        default=0, ge=0, description="In no other set: evaluations of one stage disagree about them."
    )


class TaskInstanceStatus(WireModel):
    """What is known so far. Long things are in the registry; here are digests and counts."""

    observed_generation: int = Field(default=0, ge=0, description="Generation of the spec that was acted on.")
    phase: Phase = Field(default="Pending", description="A summary of the conditions, for people.")
    verdict: VerdictName | None = Field(default=None, description="What the matrix says.")
    strategy: str | None = Field(
        default=None, max_length=32, description="Strategy whose draft made the environment."
    )
    round: int | None = Field(default=None, ge=0, description="Rounds that the environment took.")
    conditions: list[Condition] = Field(
        default=[],
        max_length=16,
        description="Standard conditions.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    prepared: Prepared | None = Field(default=None, description="What intake left in the registry.")
    env_build: str | None = Field(default=None, max_length=253, description="Name of the EnvBuild.")
    image: Image | None = Field(default=None, description="The task image.")
    environment_seconds: float | None = Field(
        default=None,
        ge=0,
        description="Seconds that the pods of the EnvBuild ran; absent until it has ended.",
    )
    evaluations: list[Evaluation] = Field(default=[], max_length=60, description="The matrix.")
    tests: ResultSets | None = Field(default=None, description="Counts of the per-test sets.")
    tests_unknown: str | None = Field(
        default=None,
        max_length=1024,
        description="Why there are no per-test sets although there is a verdict.",
    )
    control_evaluations: list[ControlEvaluation] = Field(
        default=[], max_length=20, description="Evaluations of controls with pods of their own."
    )
    controls: list[ControlResult] = Field(
        default=[],
        max_length=16,
        description="Results of the controls; only of an instance whose verdict is `fail2pass`.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    test_strength: int | None = Field(
        default=None,
        ge=0,
        le=100,
        description="Percentage of the hunks of the gold patch without which the tests fail, by `MutatedGold`.",
    )
    note: str | None = Field(
        default=None,
        max_length=64,
        description="What a person should know beside phase and verdict, as a word: `SetsUnknown` with `testsUnknown`; "
        "`DateDependent` where the test command sets the clock; the reason of an instance that ended without a "
        "verdict.",
    )
    evidence: Digest | None = Field(default=None, description="The verdict bundle.")
    running: list[Attempt] = Field(default=[], max_length=60, description="Pods that are in progress.")
    attempts: list[Attempt] = Field(default=[], max_length=5, description="The last five pods that ended.")
    infra_retries: int = Field(
        default=0, ge=0, description="Pods that were replaced after infrastructure faults."
    )
    retried: str | None = Field(
        default=None,
        max_length=256,
        description="Value of the annotation swefoundry.dev/retry that was acted on.",
    )
    first_attempt: int | None = Field(
        default=None, ge=0, description="Number of the first attempts since then; absent: 0."
    )
    started_at: datetime | None = Field(default=None, description="When work began.")
    finished_at: datetime | None = Field(
        default=None, description="When the verdict was reached or work given up."
    )
    duration: str | None = Field(
        default=None, max_length=32, description="Time from start to finish, for people."
    )
