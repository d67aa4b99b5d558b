"""Every knob of the operator: its unit, its default, and why. Read from the environment (SWEFOUNDRY_<NAME>)."""

from typing import Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Names = Annotated[list[str], NoDecode]
"""A comma-separated list."""


class Settings(BaseSettings):
    """The operator's settings, one environment variable each."""

    model_config = SettingsConfigDict(env_prefix="SWEFOUNDRY_", frozen=True, extra="ignore")

    namespaces: Names = Field(default=["default"], min_length=1)
    """Namespaces whose TaskInstances and EnvBuilds are worked on.

    The chart gives its own by default: rights follow this list.
    """

    registry_push: str = "localhost:5000"
    """host[:port] of the OCI registry as pods and the operator reach it."""
    registry_pull: str = ""
    """host[:port] of the same registry as nodes reach it; empty: the same as ``registry_push``."""
    registry_insecure: bool = False
    """Plain HTTP, for registries inside a cluster or a lab."""
    registry_prefix: str = "swefoundry/tasks"
    """Path under which task repositories are made."""
    registry_secret: str = ""
    """Name of a kubernetes.io/dockerconfigjson Secret in every task namespace; empty: the registry wants no
    credentials.
    """
    registry_auth_file: str = ""
    """The same credentials as a file for the operator itself."""

    operator_image: str = "swefoundry/operator"
    """Image of intake pods: this program's own."""
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
    allowed_bases: Names = []
    """Patterns (fnmatch) of base images that Dockerfiles may use; empty allows any."""
    build_args: dict[str, str] = {}
    """Proxy and package-mirror settings for every RUN step: HTTP_PROXY, PIP_INDEX_URL, UV_DEFAULT_INDEX, …"""
    build_mirrors: dict[str, str] = {}
    """Registry host -> host[:port][/path] to pull base images through."""
    ca_config_map: str = ""
    """ConfigMap (key ca.crt) in every task namespace with certificates that intake and builds must trust;
    empty: none.
    """

    max_active_intake: int = Field(default=8, ge=1)
    """Intake pods at a time: short and light, limited by the git host's patience."""
    max_active_build: int = Field(default=4, ge=1)
    """Build pods at a time: the heaviest class; each wants a CPU and gigabytes of disk."""
    max_active_evaluation: int = Field(default=16, ge=1)
    """Evaluation pods at a time: bounded by the nodes' memory."""

    build_cpu: str = "1"
    """CPU request of a build pod."""
    build_memory: str = "4Gi"
    """Memory limit of a build pod: compilers of C extensions need more than tests do."""
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
    """How long an image may fail to be pulled for passing reasons before the pod is replaced, seconds."""
    schedule_seconds: int = Field(default=1800, ge=10)
    """How long a pod may wait for a node before it is replaced, seconds; autoscalers need minutes."""
    start_grace_seconds: int = Field(default=120, ge=1)
    """How long a missing Secret, ConfigMap or pull right may be missing before it counts as a wrong
    configuration, seconds.
    """
    max_infra_retries: int = Field(default=6, ge=0)
    """Pods that are replaced after infrastructure faults, per piece of work: with the pauses between them, six
    outlast a registry that is away for five minutes."""
    node_lost_seconds: int = Field(default=30, ge=0)
    """How long task pods stay on a node that no longer reports before they are replaced, seconds:
    Kubernetes waits 300 by default, and
    an attempt that is repeated costs less than waiting for a node that seldom comes back."""
    retry_seconds: float = Field(default=5.0, ge=0)
    """Pause before the first replacement, seconds; doubled each time: a dead node needs a minute to be noticed."""

    canary: Names = []
    """ip:port addresses that evaluation pods must not reach; empty: the Kubernetes API's own."""
    require_isolation: bool = True
    """Refuse verdicts when the network policy does not hold (the canary answered) although `Deny` was asked for."""
    task_user_namespaces: bool = True
    """Run task pods with hostUsers: false, so that root in a pod is nobody on the node.

    Needs Kubernetes >= 1.33 and a runtime that can.
    """
    runtime_class: str = ""
    """RuntimeClass of evaluation pods (gVisor, Kata); empty: the node's default."""

    workers: int = Field(default=16, ge=1)
    """Reconciles at a time: they mostly wait for the API and the registry."""
    api_qps: float = Field(default=50, gt=0)
    """Writes to the Kubernetes API per second: half of what an API server gives one client by default fair queueing."""
    api_burst: int = Field(default=100, ge=1)
    """Writes that may be sent at once after a quiet time."""
    delete_qps: float = Field(default=20, gt=0)
    """Deletions per second, limited apart, so that clean-up and creation never starve each other."""
    resync_seconds: float = Field(default=300, gt=0)
    """How often everything is listed and looked at again, seconds: a watch may lose an event (nolar/kopf#1178)."""
    stale_seconds: float = Field(default=900, gt=0)
    """Liveness fails when the oldest ready item has waited this long, seconds."""
    health_port: int = Field(default=8080, ge=0, le=65535)
    """Port of /healthz."""
    metrics_port: int = Field(default=9090, ge=0, le=65535)
    """Port of /metrics; 0 turns it off."""
    log_level: str = "INFO"
    """Level of the operator's log."""

    @field_validator("namespaces", "allowed_bases", "canary", mode="before")
    @classmethod
    def split_commas(cls, value: object) -> object:
        """A comma-separated list is easier to write in a chart than JSON."""
        if isinstance(value, str):
            return [item.strip() for item in value.split(",") if item.strip()]
        return value

    @property
    def pull_host(self) -> str:
        """host[:port] in image names."""
        return self.registry_pull or self.registry_push
