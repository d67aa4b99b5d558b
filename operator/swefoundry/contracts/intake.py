"""Spec and result of an intake pod.

The spec travels as one environment variable, the result as the container's termination message (4096 bytes at most).
The nonce ties a result to the spec it answers, so that a result written by hostile code is rejected.
"""

from typing import Annotated, Literal

from pydantic import Field

from swefoundry.contracts.digests import Digest, Layer
from swefoundry.contracts.mutants import StoredMutants
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel

INTAKE_SPEC_VARIABLE = "SWEFOUNDRY_INTAKE"
"""Environment variable that carries the spec."""


PatchName = Literal["test", "gold"]


class GitOrigin(WireModel):
    """A commit of a git repository."""

    kind: Literal["git"] = "git"
    url: str
    commit: str
    token_file: str | None = None
    """Path of a mounted token for private repositories (sent as HTTP basic auth, user x-access-token unless
    the URL names one).
    """
    submodules: bool = False
    lfs: bool = False
    token_named: str = ""
    """Name of the token in the manifest, for the error when the file is missing."""
    mirrors: dict[str, str] | None = None
    """URL prefix -> URL prefix that is fetched from in its place, also for submodules; absent when there is none."""


class ArchiveOrigin(WireModel):
    """A source archive: tar (gz, bz2, xz) or zip."""

    kind: Literal["archive"] = "archive"
    url: str
    sha256: str
    strip_components: int = 1


class ArtifactOrigin(WireModel):
    """A source tree that an earlier intake stored in the same repository."""

    kind: Literal["artifact"] = "artifact"
    digest: Digest


Origin = Annotated[GitOrigin | ArchiveOrigin | ArtifactOrigin, Field(discriminator="kind")]


class PatchSource(WireModel):
    """Location of a patch: a blob of the repository, or a file mounted into the pod. Exactly one is set."""

    blob: Digest | None = None
    path: str | None = None
    named: str = ""
    """Name of the file in the manifest, for the error when it is missing."""


class IntakeSpec(WireModel):
    """Spec of an intake pod: fetch the source, make the clean tree, apply the patches, push the results."""

    v: Literal[1] = 1
    nonce: str
    place: RegistryLocation
    origin: Origin
    test_patch: PatchSource | None = None
    gold_patch: PatchSource | None = None
    version: str | None = None
    """Re-created as a tag on the clean tree when the origin is an archive, for tools that ask git for the version."""
    mutants: bool | None = None
    """Whether to store the mutants of the gold patch; absent when they are not wanted."""
    later_clock: bool | None = None
    """Whether to store a layer for an evaluation with a later clock; absent when it is not wanted."""


class IntakeResult(ProgramResult):
    """Result of an intake pod."""

    source: Digest | None = None
    """Artifact (OCI manifest) whose one layer is the gzip tar of the clean tree."""
    layers: dict[Stage, Layer] = {}
    """Per stage: the layer with the overlay and the runner."""
    facts: Digest | None = None
    """Blob with facts.json."""
    fingerprint: str = ""
    language: str | None = None
    test_files: int = 0
    patches: dict[PatchName, Digest] = {}
    """``test`` and ``gold``: the patches as they were applied, completed where their ends were stripped."""
    notes: list[str] = []
    """What a person should know although the intake succeeded; one sentence each."""
    gold_difference: str | None = None
    """How `after` without the gold patch differs from `before`; empty when it does not. None: not compared."""
    mutants: StoredMutants | None = None
    """Absent when they were not wanted, or cannot be made."""
    clock_layer: Layer | None = None
    """The layer of `after` with the clock library; absent when it was not wanted."""
