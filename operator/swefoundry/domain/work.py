"""The orders that pods get and the records that they leave behind.

An order travels as one environment variable, a record as the container's termination message (4096 bytes at most).
The nonce ties a record to the order it answers, so that a record written by hostile code is not believed.
"""

from typing import Annotated, Literal

from pydantic import Field

from swefoundry.domain.drafts import Draft
from swefoundry.domain.layers import Digest, Layer
from swefoundry.domain.stages import Stage
from swefoundry.domain.values import Value

RUN_ORDER = "SWEFOUNDRY_RUN"
INTAKE_ORDER = "SWEFOUNDRY_INTAKE"
BUILD_ORDER = "SWEFOUNDRY_BUILD"
"""Names of the environment variables that carry orders."""


class Place(Value):
    """Where a pod finds and leaves content: one repository of one registry."""

    registry: str
    """host[:port] as pods reach it."""
    insecure: bool = False
    """Plain HTTP."""
    repository: str
    """Path inside the registry, lower case: swefoundry/tasks/owner/name."""
    auth_file: str | None = None
    """Path of a dockerconfigjson in the pod."""


class GitOrigin(Value):
    """A commit of a git repository."""

    kind: Literal["git"] = "git"
    url: str
    commit: str
    token_file: str | None = None
    """Path of a mounted token for private repositories (sent as HTTP basic auth, user x-access-token unless
    the URL names one).
    """
    token_named: str = ""
    """What the manifest calls the token: said when the file is not there."""


class ArchiveOrigin(Value):
    """A source archive: tar (gz, bz2, xz) or zip."""

    kind: Literal["archive"] = "archive"
    url: str
    sha256: str
    strip_components: int = 1


class ArtifactOrigin(Value):
    """A source tree that an earlier intake left in the same repository."""

    kind: Literal["artifact"] = "artifact"
    digest: Digest


Origin = Annotated[GitOrigin | ArchiveOrigin | ArtifactOrigin, Field(discriminator="kind")]


class PatchAt(Value):
    """Where a patch's bytes are: a blob of the repository, or a file mounted into the pod. Exactly one is set."""

    blob: Digest | None = None
    path: str | None = None
    named: str = ""
    """What the manifest calls the file: said when it is not there."""


class IntakeOrder(Value):
    """Fetch the source, make the clean tree, apply the patches, push what evaluations and builds need."""

    v: Literal[1] = 1
    nonce: str
    place: Place
    origin: Origin
    test_patch: PatchAt | None = None
    gold_patch: PatchAt | None = None
    version: str | None = None
    """Re-created as a tag on the clean tree when the origin is an archive, for tools that ask git for the version."""


class IntakeRecord(Value):
    """What an intake pod leaves behind."""

    v: Literal[1] = 1
    nonce: str
    code: int
    message: str = ""
    """One sentence; for refused patches the file and hunk."""
    source: Digest | None = None
    """Artifact (OCI manifest) whose one layer is the gzip tar of the clean tree."""
    layers: dict[Stage, Layer] = {}
    """Per stage: the layer with the overlay and the runner."""
    facts: Digest | None = None
    """Blob with facts.json."""
    fingerprint: str = ""
    language: str | None = None
    test_files: int = 0


class BuildOrder(Value):
    """Build one draft's Dockerfile over a source and push the image."""

    v: Literal[1] = 1
    nonce: str
    place: Place
    source: Digest
    """Artifact of the clean tree."""
    draft: Draft
    composed: str | None = None
    """Set for a rebuild: the image, by digest, that the Dockerfile begins with. It holds the source under /testbed, so
    nothing is copied, and it may be used whatever the allowed bases.
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


class BuildRecord(Value):
    """What a build pod leaves behind."""

    v: Literal[1] = 1
    nonce: str
    code: int
    message: str = ""
    image: Digest | None = None
    """Manifest digest of the pushed image."""
    step: str | None = None
    """The failing instruction, cut to 300 characters."""
    step_exit_code: int | None = None
    tail: str = ""
    """The telling last lines of the failing step, cut so that the record fits."""
    log: Digest | None = None
    """Blob with the whole build log (capped at 4 MiB)."""
    oom_kills: int = 0
    """Processes of the pod that were killed for memory: the reader of pods tells this from other failures."""
    duration_ms: int = 0


class RunOrder(Value):
    """Run the test command as PID 1's child under a time limit."""

    v: Literal[1] = 1
    nonce: str
    stage: Stage
    command: str
    workdir: str = "/testbed"
    timeout_seconds: int
    reports: list[str] = []
    error_exit_codes: list[int] = []
    output_bytes: int = 1 << 20
    report_bytes: int = 4 << 20
    canary: list[str] = []
    """ip:port addresses that must not be reachable."""


class ReportCounts(Value):
    """What the runner counted in the reports."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0


class RunRecord(Value):
    """What the runner leaves behind: the container's exit code must equal ``code``, or nothing is believed."""

    v: Literal[1] = 1
    nonce: str
    stage: Stage
    code: int
    raw_exit: int | None = None
    signal: str | None = None
    duration_ms: int = 0
    oom_kills: int = 0
    network: Literal["denied", "open", "unprobed"] = "unprobed"
    tests: ReportCounts | None = None
    report_sha256: str | None = None
    report_note: str | None = None
    output_bytes: int = 0
    output_sha256: str | None = None
    output_truncated: bool = False
