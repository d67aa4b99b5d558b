"""Types of fields that both resources share: sources, validation, budget, conditions, attempts."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.pod_template import RESERVED_PREFIXES, PodTemplate
from swefoundry.contracts.wire import WireModel

Name = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$")]
DataKey = Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[-._a-zA-Z0-9]+$")]
Url = Annotated[str, Field(min_length=1, max_length=2048, pattern=r"^https?://[^\s]+$")]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}([0-9a-f]{24})?$", max_length=64)]
RepoName = Annotated[
    str,
    Field(min_length=3, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*/[A-Za-z0-9][A-Za-z0-9_.-]*$"),
]
Version = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._+!/-]*$")]
"""Becomes a git tag on the clean tree, so it must be a valid tag name."""
Outcomes = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", max_length=64)]
"""sha256 over what each test did. Without a prefix, because no content of the registry has it."""
Language = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9+#-]+$")]
Cpu = Annotated[
    str, Field(max_length=8, pattern=r"^([1-9][0-9]{0,5}m|[1-9][0-9]{0,2}|[0-9]{1,3}\.[0-9]{1,3})$")
]
Bytes = Annotated[str, Field(max_length=16, pattern=r"^[1-9][0-9]*(k|Ki|M|Mi|G|Gi|T|Ti)$")]
"""A unit is required, and zero is not allowed: bytes and "no limit" are never intended."""


def cel_rule(expression: str, message: str, field: str = "") -> dict[str, str]:
    """Return a CEL rule for ``x-kubernetes-validations``.

    The API server reports `field` instead of the whole object.
    """
    return {"rule": expression, "message": message} | ({"fieldPath": f".{field}"} if field else {})


def cel_rules(*rules: dict[str, str]) -> ConfigDict:
    """Return a model configuration with CEL rules; `api/validation/cel_rules.py` has their Python equivalents."""
    return ConfigDict(json_schema_extra={"x-kubernetes-validations": [{**rule} for rule in rules]})


NO_PASSWORD = cel_rule(
    "!self.url.matches('^https?://[^/@]*:[^/@]*@')",
    "must not contain a password, which everybody who can read the object would see",
    "url",
)


class KeyRef(WireModel):
    """A key of a Secret or ConfigMap in the object's namespace."""

    name: Name = Field(description="Name of the object.")
    key: DataKey = Field(description="Key within the object.")


class GitSource(WireModel):
    """A commit of a git repository."""

    model_config = cel_rules(NO_PASSWORD)
    url: Url = Field(description="HTTP or HTTPS URL of the repository.")
    token_secret_ref: KeyRef | None = Field(
        default=None, description="Secret key with an access token, for private repositories."
    )
    submodules: bool = Field(
        default=False,
        description="Fetch submodules at the recorded commits; their files become files of the tree.",
    )
    lfs: bool = Field(
        default=False, description="Fetch the files of Git LFS; they replace their pointers in the tree."
    )


class ArchiveSource(WireModel):
    """A source archive."""

    model_config = cel_rules(NO_PASSWORD)
    url: Url = Field(description="Where the tar (gz, bz2, xz) or zip archive is downloaded from.")
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$",
        max_length=64,
        description="sha256 of the archive, 64 lower-case hexadecimal digits.",
    )
    strip_components: int = Field(
        default=1, ge=0, le=8, description="Leading path components to drop, as in `tar --strip-components`."
    )


class ArtifactSource(WireModel):
    """A clean tree that an earlier intake left in the registry."""

    digest: Digest = Field(description="Digest of the source artifact in the task repository.")


class Source(WireModel):
    """Where the repository's content comes from. Exactly one is set."""

    model_config = cel_rules(
        cel_rule(
            "[has(self.git), has(self.archive), has(self.artifact)].filter(x, x).size() == 1",
            "set exactly one of git, archive and artifact",
        )
    )
    git: GitSource | None = Field(default=None, description="A commit of a git repository.")
    archive: ArchiveSource | None = Field(default=None, description="A source archive, checked by sha256.")
    artifact: ArtifactSource | None = Field(default=None, description="A clean tree already in the registry.")


StrategyName = Literal["fixed", "reuse", "recipe", "agents"]
AblationName = Literal["NoExplorer", "NoFeedback"]
Usd = Annotated[str, Field(max_length=13, pattern=r"^(0|[1-9][0-9]{0,5})([.][0-9]{1,6})?$")]
"""US dollars as decimal text, because a number in YAML is a float, which does not compare exactly."""


class ParentRef(WireModel):
    """Another EnvBuild in the same namespace."""

    name: Name = Field(description="Name of the EnvBuild.")


class Environment(WireModel):
    """How the environment image is built."""

    model_config = cel_rules(
        cel_rule(
            "!has(self.strategies) || !('fixed' in self.strategies) || has(self.draft)",
            "draft: required by the strategy fixed",
            "draft",
        ),
        cel_rule(
            "!has(self.draft) || !has(self.strategies) || self.strategies == [] || "
            "'fixed' in self.strategies",
            "strategies: a draft is only used by the strategy fixed, which is not among them",
            "strategies",
        ),
        cel_rule(
            "!has(self.parentRef) || !has(self.strategies) || self.strategies == [] || "
            "'reuse' in self.strategies",
            "strategies: a parentRef is only used by the strategy reuse, which is not among them",
            "strategies",
        ),
    )
    strategies: list[StrategyName] = Field(
        default=[],
        max_length=4,
        description="Strategies in the order in which they are tried, each once. Default: `fixed` when a draft is "
        "given, else the operator's own (`reuse`, `recipe`, `agents`).",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )
    draft: Draft | None = Field(default=None, description="The draft that the strategy `fixed` uses.")
    overrides: Overrides | None = Field(default=None, description="Settings that win over any strategy's.")
    parent_ref: ParentRef | None = Field(
        default=None,
        description="EnvBuild whose image the strategy `reuse` takes, instead of looking for the nearest ones.",
    )
    accept_error2_pass: bool = Field(
        default=True,
        description="Whether an image is also accepted when the tests cannot run before the fix and all pass after it. "
        "`false`: the search goes on until it finds one in which they run before the fix and fail.",
    )
    ablations: list[AblationName] = Field(
        default=[],
        max_length=2,
        description="What the strategy `agents` does without, for experiments. `NoExplorer`: no model explores the "
        "repository. `NoFeedback`: every draft is written as if it were the first.",
        json_schema_extra={"x-kubernetes-list-type": "set"},
    )


def _no_reserved_key(field: str) -> dict[str, str]:
    reserved = " || ".join(f"key.startsWith('{prefix}')" for prefix in RESERVED_PREFIXES)
    return cel_rule(
        f"!has(self.{field}) || self.{field}.all(key, !({reserved}))",
        f"{field}: keys below {' and '.join(RESERVED_PREFIXES)} are set by swefoundry itself",
        field,
    )


class InstancePodTemplate(PodTemplate):
    """Fields that are added to the object's pods, over those that the operator sets for it and for the namespace."""

    model_config = cel_rules(_no_reserved_key("labels"), _no_reserved_key("annotations"))


class Resources(WireModel):
    """Limits of one pod. Its CPU and memory requests are estimated from what earlier pods used."""

    cpu: Cpu | None = Field(
        default=None,
        description="CPU request, as in 2, 0.5 or 500m; there is no CPU limit. Absent: estimated from "
        "what earlier pods used.",
    )
    memory: Bytes = Field(
        default="2Gi",
        description="Memory limit, with its unit; the request is estimated, and never above it.",
    )
    ephemeral_storage: Bytes = Field(
        default="4Gi", description="Limit of the writable layer and logs, with its unit."
    )


class Validation(WireModel):
    """How the tests are run."""

    model_config = cel_rules(
        cel_rule(
            "!has(self.minRepeats) || !has(self.repeats) || self.minRepeats <= self.repeats",
            "minRepeats: must not be above repeats",
            "minRepeats",
        )
    )
    repeats: int = Field(
        default=5,
        ge=1,
        le=20,
        description="How often `before` and `after` are evaluated at most, besides the probe. More than "
        "`minRepeats` are run only while evaluations of one stage disagree.",
    )
    min_repeats: int = Field(
        default=1,
        ge=1,
        le=20,
        description="How often `before` and `after` are evaluated at least, besides the probe. With 4, a test that "
        "flips at random is kept out of FAIL_TO_PASS with a confidence of 99 %.",
    )
    network: Literal["Deny", "Allow"] = Field(
        default="Deny",
        description="Whether tests may use the network. `Deny` is probed in every evaluation, not assumed.",
    )
    timeout_seconds: int = Field(
        default=1800, ge=1, le=86400, description="Time limit of one evaluation's test command, in seconds."
    )
    resources: Resources = Field(default=Resources(), description="Limits of an evaluation pod.")


class Budget(WireModel):
    """Budget of one environment."""

    rounds: int = Field(default=6, ge=1, le=50, description="Drafts that may be built and probed.")
    pod_seconds: int = Field(
        default=7200,
        ge=60,
        le=604800,
        description="Seconds that the pods may run, all together.",
    )
    wall_seconds: int = Field(
        default=604800,
        ge=60,
        le=31536000,
        description="Seconds from the start of work within which the last draft must be begun, waiting included.",
    )
    turns_per_role: int = Field(
        default=30, ge=1, le=500, description="Answers that each role of the agents may ask for per draft."
    )
    llm_tokens: int = Field(
        default=1_000_000,
        ge=0,
        le=1_000_000_000,
        description="Tokens, in both directions, that models may be paid for.",
    )
    llm_usd: Usd = Field(
        default="1.00",
        description='US dollars that models may cost by the configured prices, as text: "0.50".',
    )


class Condition(WireModel):
    """A condition in the standard form."""

    type: str = Field(min_length=1, max_length=316, description="Name of the condition.")
    status: Literal["True", "False", "Unknown"] = Field(description="Whether it holds.")
    observed_generation: int = Field(default=0, ge=0, description="Generation of the spec that was judged.")
    last_transition_time: datetime = Field(description="When the status changed last.")
    reason: str = Field(min_length=1, max_length=1024, description="Constant that says why.")
    message: str = Field(default="", max_length=32768, description="A sentence for people.")


class Attempt(WireModel):
    """One pod, running or ended."""

    work: str = Field(max_length=63, description="Piece of work: intake, build-0, before-0, …")
    number: int = Field(
        ge=0, description="Attempt at this work, from 0; infrastructure faults are tried again."
    )
    pod: str = Field(max_length=63, description="Name of the pod.")
    uid: str | None = Field(default=None, max_length=64, description="UID of the pod.")
    outcome: str | None = Field(
        default=None, max_length=64, description="How it ended; absent while it runs."
    )
    reason: str | None = Field(default=None, max_length=128, description="Why, as a constant.")
    message: str | None = Field(default=None, max_length=2048, description="Why, as a sentence.")
    exit_code: int | None = Field(default=None, description="Exit code in pod status.")
    node: str | None = Field(default=None, max_length=253, description="Node that it ran on.")
    seconds: float | None = Field(default=None, ge=0, description="Seconds that the container ran.")
    evidence: Digest | None = Field(
        default=None, description="Artifact with the log, the reports and the record."
    )
    measured: MeasuredResources | None = Field(default=None, description="What the container used.")
    not_before: datetime | None = Field(
        default=None, description="Earliest start, after an infrastructure fault."
    )
    host: str | None = Field(
        default=None, max_length=253, description="Host that the attempt before could not reach."
    )
    memory_factor: int = Field(
        default=1, ge=1, le=8, description="Times the memory asked for, after a memory kill."
    )
    full_requests: bool | None = Field(
        default=None,
        description="True: the pod requests its memory limit, and a whole CPU where the CPU is estimated, because it "
        "reached a time limit or was evicted with less.",
    )
