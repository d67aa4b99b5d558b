"""Spec and result of a build pod; how they travel is in ``contracts.intake``."""

from typing import Literal

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.draft import Draft
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.wire import WireModel

BUILD_SPEC_VARIABLE = "SWEFOUNDRY_BUILD"
"""Environment variable that carries the spec."""

CERTIFICATE_VARIABLES = (
    "SSL_CERT_FILE",  # OpenSSL, Python, Go, Ruby, curl and uv
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "CARGO_HTTP_CAINFO",
    "DENO_CERT",
)
"""Set in every RUN step of a build with certificates: pip, npm and cargo have certificates of their own and read these
variables instead."""
JAVA_OPTIONS = "JAVA_TOOL_OPTIONS"
"""Options of every JVM: the only way to name certificates to Maven, Gradle and their wrappers alike."""
SOURCE_DATE_VARIABLE = "SOURCE_DATE_EPOCH"
"""Set in every RUN step."""


class BuildSpec(WireModel):
    """Spec of a build pod: build one draft's Dockerfile over a source and push the image."""

    v: Literal[1] = 1
    nonce: str
    place: RegistryLocation
    source: Digest
    """Artifact of the clean tree."""
    draft: Draft
    composed: str | None = None
    """Set for a rebuild: the image, by digest, of the first FROM. It contains the source under /testbed, so nothing is
    copied, and it need not match the allowed bases.
    """
    tag: str
    """Human tag for the image."""
    cache: str | None = None
    """Repository path for the layer cache, in the same registry."""
    time_limit_seconds: int
    mirrors: dict[str, str] = {}
    """Registry host -> host[:port][/path] to pull base images through; plain HTTP when it equals place.registry."""
    allowed_bases: list[str] = []
    """Patterns of base images; empty allows any."""
    build_args: dict[str, str] = {}
    """Proxy and package-mirror settings (HTTP_PROXY, PIP_INDEX_URL, …) for every RUN step."""
    ca_bundle: str | None = None
    """Path of a PEM bundle in the pod that every RUN step must trust."""


class BuildResult(ProgramResult):
    """Result of a build pod."""

    image: Digest | None = None
    """Manifest digest of the pushed image."""
    step: str | None = None
    """The failing instruction, cut to 300 characters."""
    step_exit_code: int | None = None
    tail: str = ""
    """Excerpt of the failing step's output, cut so that the record fits."""
    log: Digest | None = None
    """Blob with the whole build log (capped at 4 MiB)."""
    oom_kills: int = 0
    """Processes of the pod that were killed for memory; tells this from other failures of a step."""
    duration_ms: int = 0
