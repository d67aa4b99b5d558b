"""Settings of the operator, with units, defaults and reasons; read from environment variables SWEFOUNDRY_<NAME>."""

import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, PositiveFloat, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from swefoundry.contracts.models import Model
from swefoundry.contracts.pod_template import RESERVED_PREFIXES, PodField, PodTemplate

PREFIX = "SWEFOUNDRY_"

URL_PREFIX = re.compile(r"https?://[^/@\s]+(/\S*)?")
"""Without a login, which everybody who may read pods would see in the spec of an intake."""

CommaSeparated = Annotated[list[str], NoDecode]
"""A comma-separated list."""
Strategies = Annotated[list[Literal["reuse", "recipe", "agents"]], NoDecode]
Quantity = Annotated[str, Field(pattern=r"^[0-9]+([.][0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$")]
"""CPUs or bytes as Kubernetes writes them."""
ModelList = Annotated[list[Model], NoDecode]
"""JSON, parsed by our own validator so that an error names the field."""


_LIMITED = ("intake", "build", "evaluation", "agent", "total")
SHARED_LIMITS = (*(f"max_active_{name}" for name in _LIMITED), "max_unplaced", "api_burst")
"""Limits of which each shard needs at least 1."""


class OperatorPodTemplate(PodTemplate):
    """A pod template in a setting. Unknown fields are refused: nothing else would report a misspelt one."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("labels", "annotations")
    @classmethod
    def refuse_reserved_keys(cls, value: dict[str, str] | None) -> dict[str, str] | None:
        """The operator would lose a pod whose labels are others."""
        for key in sorted(value or {}):
            if key.startswith(RESERVED_PREFIXES):
                raise ValueError(f"{key} is set by swefoundry itself: remove it")
        return value


class Settings(BaseSettings):
    """The operator's settings, one environment variable each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    namespaces: CommaSeparated = Field(default=["default"], min_length=1)
    """Namespaces whose TaskInstances and EnvBuilds are reconciled.

    The chart sets its own by default, and creates a Role in each.
    """

    registry_push: str = "localhost:5000"
    """host[:port] of the OCI registry as pods and the operator reach it."""
    registry_pull: str = ""
    """host[:port] of the same registry as nodes reach it; empty: the same as ``registry_push``."""
    registry_insecure: bool = False
    """Plain HTTP, for registries inside a cluster or a lab."""
    registry_prefix: str = "swefoundry/tasks"
    """Path under which task repositories are created."""
    registry_secret: str = ""
    """Name of a kubernetes.io/dockerconfigjson Secret in every task namespace; empty: the registry wants no
    credentials.
    """
    registry_auth_file: str = ""
    """The same credentials as a file for the operator itself."""

    operator_image: str = "swefoundry/operator"
    """Image of intake, checkout and agent pods: this program's own."""
    builder_image: str = "swefoundry/builder"
    """Image of build pods."""
    service_account: str = "swefoundry-task"
    """Service account of task pods; it has no rights and its token is never mounted."""

    base_images: dict[str, list[str]] = {
        "python": ["python:3.11-slim", "python:3.9-slim", "python:3.13-slim"]
    }
    """Per language, base images that recipes may use, best known first.

    3.11 first: most wheels of the last ten years run on it.
    """
    allowed_bases: CommaSeparated = []
    """Patterns (fnmatch) of base images that Dockerfiles may use; empty allows any."""
    build_args: dict[str, str] = {}
    """Proxy and package-mirror settings for every RUN step: HTTP_PROXY, PIP_INDEX_URL, UV_DEFAULT_INDEX, …"""
    build_mirrors: dict[str, str] = {}
    """Registry host -> host[:port][/path] to pull base images through."""
    build_hosts: CommaSeparated = []
    """Hosts that builds can reach, package indexes first, where there is no way to others: agents are told. Empty: they
    are told that it is not known."""
    git_mirrors: dict[str, str] = {}
    """URL prefix -> URL prefix from which sources, submodules and Git LFS are fetched in its place; the longest counts,
    and there is no fallback. ``{"https://github.com/": "https://git.example.org/github/"}``
    """
    ca_config_map: str = ""
    """ConfigMap (key ca.crt) in every task namespace with certificates that intake, builds and agents must trust;
    empty: none.
    """

    strategies: Strategies = ["reuse", "recipe", "agents"]
    """Strategies of objects that name none and give no draft, in the order in which they are tried.

    The cheap ones first: a proven image costs no build, a recipe no model. ``agents`` is left out where there is no
    model.
    """
    reuse_neighbours: int = Field(default=2, ge=0, le=8)
    """Proven images of the same repository that are tried before a new one is built: the third nearest seldom helps."""
    sibling_wait_seconds: int = Field(default=900, ge=0)
    """How long an EnvBuild waits for another one of the same repository, whose image may do, seconds; 0: not at all.

    A solve takes about so long.
    """
    experiments: CommaSeparated = []
    """Names of experiments (label swefoundry.dev/experiment) that are label values of metrics; others count as none."""

    models: ModelList = []
    """Models of the agents as a JSON list, in order; the next is used after repeated or unreadable answers:
    ``[{"name": …, "baseUrl": …, "inputUsd": …, "outputUsd": …}]``. Empty: there are no agents.
    """
    llm_secret: str = ""
    """Name of the Secret with the models' API key in every task namespace; empty: the endpoints want none."""
    llm_secret_key: str = "api-key"
    """Key within that Secret."""
    agent_env: dict[str, str] = {}
    """Environment variables of agent pods: HTTPS_PROXY, HTTP_PROXY, NO_PROXY (with the registry in it)."""
    agent_seconds: int = Field(default=1800, ge=10)
    """Time limit of one agent pod, which writes one draft, seconds: slow models take a minute per answer."""
    agent_memory: str = "1Gi"
    """Memory limit of an agent pod: it reads the repository and runs nothing."""
    agent_storage: str = "10Gi"
    """Disk limit of an agent pod: the repository's tree and its tar."""
    namespace_llm_tokens: int | None = Field(default=None, ge=0)
    """Budget in model tokens per namespace, for all EnvBuilds that exist; empty: no limit."""
    namespace_llm_usd: Decimal | None = Field(default=None, ge=0)
    """The same in US dollars."""
    operator_llm_tokens: int | None = Field(default=None, ge=0)
    """Budget in model tokens for all namespaces together, for all EnvBuilds that exist; empty: no limit."""
    operator_llm_usd: Decimal | None = Field(default=None, ge=0)
    """The same in US dollars."""

    max_active_intake: int = Field(default=8, ge=1)
    """Intake and checkout pods at a time: short and light; git hosts limit the rate of clones."""
    max_active_build: int = Field(default=4, ge=1)
    """Build pods at a time: the heaviest class; each needs a CPU and gigabytes of disk."""
    max_active_evaluation: int = Field(default=16, ge=1)
    """Evaluation pods at a time: bounded by the nodes' memory."""
    max_active_agent: int = Field(default=8, ge=1)
    """Agent pods at a time: they mostly wait for the models, whose rate limits they share."""
    max_active_total: int | None = Field(default=None, ge=1)
    """Pods of all roles at a time; empty: no limit. On a small cluster the roles share its CPUs: with one limit for
    all, a free place goes to the pod nearest to a verdict, whatever its role.
    """
    max_unplaced: int = Field(default=4, ge=1)
    """Pods of a role that may be without a node at a time. Each new one competes with the older ones for the next free
    CPU; an autoscaler adds nodes for those that it sees, so it sees four. 1 keeps the order of instances exactly.
    """
    namespace_weights: dict[str, PositiveFloat] = {}
    """Namespace -> weight of its share of the places when several namespaces wait; 1 for those that are not named."""

    evaluation_cpu: Quantity = "250m"
    """First guess of an evaluation's CPU request, where `validation.resources.cpu` is absent: small, because it counts
    for the first evaluations of a repository only, and the next ones request what these used."""
    evaluation_memory: Quantity = "512Mi"
    """First guess of an evaluation's memory request, never above its limit: a quarter of the default limit."""
    evaluation_cpu_most: Quantity = "1"
    """Highest CPU request that is estimated: a pod that requests more than the largest node has never runs. Also what
    an evaluation is repeated with after a time limit that it reached with less."""
    cpu_headroom: float = Field(default=1.2, ge=1)
    """Factor on the measured CPU use: a suite on a busy node uses less than it would, and so rises a class per run."""
    memory_headroom: float = Field(default=1.25, ge=1)
    """Factor on the measured memory peak: a pod within its request is evicted last, and the peak includes cached files
    that the kernel gives back."""

    build_cpu: Quantity = "1"
    """CPU request of a build pod, and the most that is requested once builds of its repository are measured."""
    build_memory: Quantity = "4Gi"
    """Memory limit of a build pod: compilers of C extensions need more than tests do. Requested, too, until builds
    of its repository are measured."""
    build_storage: str = "20Gi"
    """Disk limit of a build pod: base image, layers and build cache."""
    build_seconds: int = Field(default=3600, ge=10)
    """Time limit of one build, seconds: the longest builds of well-known projects compile for half an hour."""
    intake_seconds: int = Field(default=900, ge=10)
    """Time limit of one intake, seconds: a full clone of a large repository takes minutes."""
    intake_memory: str = "1Gi"
    """Memory limit of an intake pod."""
    intake_storage: str = "10Gi"
    """Disk limit of an intake pod: a clone, a tree and its tar."""
    pull_grace_seconds: int = Field(default=600, ge=10)
    """How long a pod that has a node may pull its image and create its container before it is replaced, seconds."""
    start_grace_seconds: int = Field(default=120, ge=1)
    """How long a pod that has a node may lack its image, or fail in the container runtime, before it is replaced,
    seconds."""
    max_infra_retries: int = Field(default=6, ge=0)
    """Pods that are replaced after infrastructure faults, per piece of work: with the delays between them, six
    outlast a node or a network that is away for five minutes."""
    max_outage_retries: int = Field(default=16, ge=0)
    """Repeats of a pod that a package index, a registry or a model endpoint did not answer, per piece of work: where
    the host is known, the delays of its back-off double, and sixteen outlast a day; else they outlast 55 minutes."""
    node_lost_seconds: int = Field(default=30, ge=0)
    """How long task pods stay on a node that no longer reports before they are replaced, seconds:
    Kubernetes waits 300 by default, and
    an attempt that is repeated costs less than waiting for a node that seldom comes back."""
    retry_seconds: float = Field(default=5.0, ge=0)
    """Delay before the first retry, seconds; doubled each time: a dead node needs a minute to be noticed."""
    max_retry_seconds: float = Field(default=300.0, ge=0)
    """Longest delay between two retries, seconds: the end of an outage is noticed within five minutes."""
    max_away_seconds: float = Field(default=86400.0, ge=1)
    """Longest delay before a host that did not answer is asked again, or a missing ConfigMap or Secret is looked for,
    seconds: delays double, so none is longer than the time already waited, unless the host itself names one."""

    canary: CommaSeparated = []
    """ip:port addresses that evaluation pods must not reach; empty: the Kubernetes API's own."""
    require_isolation: bool = True
    """Give no verdict when the canary answered although `network: Deny` was requested."""
    task_user_namespaces: bool = True
    """Run task pods with hostUsers: false, so that root in a pod has no privileges on the node.

    Needs Kubernetes >= 1.33 and a container runtime with support for it.
    """
    runtime_class: str = ""
    """RuntimeClass of evaluation pods (gVisor, Kata); empty: the node's default. That of a pod template wins."""

    pod_template: Annotated[OperatorPodTemplate | None, NoDecode] = None
    """Fields of all task pods, as JSON: nodeSelector, tolerations, affinity, runtimeClassName, priorityClassName,
    labels, annotations. ``{"nodeSelector": {"pool": "sandbox"}}``
    """
    namespace_pod_templates: Annotated[dict[str, OperatorPodTemplate], NoDecode] = {}
    """Namespace -> the same for its task pods; wins over ``pod_template`` where both set a field or key."""
    instance_pod_fields: Annotated[list[PodField], NoDecode] = ["nodeSelector", "affinity"]
    """Fields that objects may set in ``spec.podTemplate``, which wins over both. By default those that only choose
    among the nodes that are open to all pods: a toleration opens nodes that are kept for others, a RuntimeClass may be
    weaker, labels select policies and services, annotations configure runtimes and network plug-ins.
    """

    lease: str = Field(default="", pattern=r"^([a-z0-9-]+/[a-z0-9.-]+)?$")
    """Lease `namespace/name`: of all processes that name it, only its holder reconciles, and the others stand by.
    Empty: no election, for a process that is alone. The chart sets it where there are several replicas.
    """
    lease_seconds: int = Field(default=15, ge=1)
    """How long a standby waits after the last renewal before it takes the Lease, seconds: the default of client-go."""
    lease_renew_seconds: float = Field(default=10, gt=0)
    """After how long without a renewal the holder ends its process, seconds: five less, so that it has ended before
    another may take the Lease."""
    lease_retry_seconds: float = Field(default=2, gt=0)
    """Pause between two renewals, and between two looks of a standby, seconds: four renewals may fail in a row."""
    pod_uid: str = ""
    """UID of the operator's own pod, by which a container that is restarted is the holder that it was; empty: every
    process is another candidate."""

    shards: int = Field(default=1, ge=1, le=64)
    """Operators that share the work by a hash of the repository, each with a Lease of its own. The limits of places,
    budgets and requests are for all of them together: each takes its part. 1 is enough for 10,000 instances."""
    shard: int = Field(default=0, ge=0)
    """Which of them this process is, from 0."""

    workers: int = Field(default=16, ge=1)
    """Concurrent reconciles: they mostly wait for the API and the registry."""
    api_qps: float = Field(default=50, gt=0)
    """Writes to the Kubernetes API per second: half of what an API server gives one client by default fair queueing."""
    api_burst: int = Field(default=100, ge=1)
    """Burst of writes after an idle time."""
    delete_qps: float = Field(default=20, gt=0)
    """Deletions per second, limited separately, so that clean-up and creation never starve each other."""
    resync_seconds: float = Field(default=300, gt=0)
    """How often everything is listed and reconciled again, seconds: a watch may lose an event. Where that
    takes more than a fiftieth of it, the pause is fifty times as long as it takes."""
    stale_seconds: float = Field(default=900, gt=0)
    """Liveness fails when keys wait and no worker has taken one for this long, seconds."""
    health_port: int = Field(default=8080, ge=0, le=65535)
    """Port of /healthz."""
    metrics_port: int = Field(default=9090, ge=0, le=65535)
    """Port of /metrics and /debug/state; 0 turns both off."""
    log_level: str = "INFO"
    """Level of the operator's log: DEBUG, INFO, WARNING or ERROR."""
    log_format: Literal["text", "json"] = "text"
    """Form of the operator's log: key=value or one JSON object per line."""

    @field_validator(
        "namespaces",
        "allowed_bases",
        "build_hosts",
        "canary",
        "strategies",
        "experiments",
        "instance_pod_fields",
        mode="before",
    )
    @classmethod
    def split_commas(cls, value: object) -> object:
        """A comma-separated list is easier to write in a chart than JSON."""
        if isinstance(value, str):
            return [item.strip() for item in value.split(",") if item.strip()]
        return value

    @field_validator("git_mirrors")
    @classmethod
    def check_prefixes(cls, value: dict[str, str]) -> dict[str, str]:
        """Prefixes on both sides are URLs that git fetches from."""
        for prefix in [*value, *value.values()]:
            if not URL_PREFIX.fullmatch(prefix):
                # The rest may be a password.
                raise ValueError(
                    f"{prefix[:8]}…: write http or https URL prefixes without a login, such as https://github.com/"
                )
        return value

    @field_validator("pod_template", "namespace_pod_templates", mode="before")
    @classmethod
    def read_json(cls, value: object) -> object:
        """Parsed here, so that an error names the variable."""
        try:
            return json.loads(value or "{}") if isinstance(value, str) else value
        except json.JSONDecodeError as exc:
            raise ValueError(f"is not JSON: {exc}") from None

    @field_validator("models", mode="before")
    @classmethod
    def read_models(cls, value: object) -> object:
        """A misspelt price would count as zero, so unknown fields are rejected here, unlike elsewhere."""
        if isinstance(value, str):
            try:
                value = json.loads(value or "[]")
            except json.JSONDecodeError as exc:
                raise ValueError(f"is not JSON: {exc}") from None
        known = {name for field, info in Model.model_fields.items() for name in (field, info.alias)}
        for index, item in enumerate(value if isinstance(value, list) else []):
            unknown = sorted(set(item) - known) if isinstance(item, dict) else []
            if unknown:
                known_names = ", ".join(sorted(str(info.alias) for info in Model.model_fields.values()))
                raise ValueError(f"model {index}: unknown field {unknown[0]}; known are {known_names}")
        return value

    @field_validator(
        "namespace_llm_tokens",
        "namespace_llm_usd",
        "operator_llm_tokens",
        "operator_llm_usd",
        "max_active_total",
        mode="before",
    )
    @classmethod
    def empty_is_none(cls, value: object) -> object:
        """An empty variable sets no limit."""
        return None if value == "" else value

    @model_validator(mode="after")
    def check_lease_times(self) -> "Settings":
        """Two processes would lead at once, or one would never renew."""
        if not self.lease_retry_seconds < self.lease_renew_seconds < self.lease_seconds:
            raise ValueError(
                f"{PREFIX}LEASE_RETRY_SECONDS ({self.lease_retry_seconds:g}) must be below "
                f"{PREFIX}LEASE_RENEW_SECONDS ({self.lease_renew_seconds:g}), "
                f"and that below {PREFIX}LEASE_SECONDS ({self.lease_seconds})"
            )
        return self

    @model_validator(mode="after")
    def check_shards(self) -> "Settings":
        """A number that does not exist would leave objects alone, and without a place nothing would ever start."""
        if self.shard >= self.shards:
            raise ValueError(f"{PREFIX}SHARD ({self.shard}) must be below {PREFIX}SHARDS ({self.shards})")
        for name in SHARED_LIMITS:
            if (limit := getattr(self, name)) is not None and limit < self.shards:
                raise ValueError(
                    f"{PREFIX}{name.upper()} ({limit}) must be at least {PREFIX}SHARDS ({self.shards})"
                )
        return self

    def experiment_label(self, experiment: str) -> str:
        """The experiment as a metrics label: only those in the settings, because labels are a closed set."""
        return experiment if experiment in self.experiments else ""

    @property
    def pull_host(self) -> str:
        """host[:port] in image names."""
        return self.registry_pull or self.registry_push


def describe_errors(exc: ValidationError) -> str:
    """The errors in the environment, one line per variable."""
    return "\n".join(_describe_error(dict(error)) for error in exc.errors(include_url=False))


def _describe_error(error: dict[str, Any]) -> str:
    name, *path = error["loc"] or ("",)
    location = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    where = (
        f"{PREFIX}{str(name).upper()}{location}: " if name else ""
    )  # a rule over several names them itself
    return f"{where}{error['msg'].removeprefix('Value error, ')}"
