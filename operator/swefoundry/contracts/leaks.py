"""Spec and result of a leaks pod, which looks for the solution of an instance in the layers of its task image."""

from enum import StrEnum
from typing import Literal

from swefoundry.contracts.digests import Digest
from swefoundry.contracts.intake import PatchName, PatchSource
from swefoundry.contracts.program_result import ProgramResult
from swefoundry.contracts.registry_location import RegistryLocation
from swefoundry.contracts.wire import WireModel

LEAKS_SPEC_VARIABLE = "SWEFOUNDRY_LEAKS"
"""Environment variable that carries the spec."""

FINDINGS_FILE = "findings.json"
"""File of the evidence with all findings."""


class LeakKind(StrEnum):
    """What was found."""

    GIT_OBJECTS = "GitObjects"
    """Commits, refs or reflogs beyond the one commit of the clean tree, or another repository with its files."""
    PATCH_LINES = "PatchLines"
    """Lines that a patch adds."""
    PATCH_FILES = "PatchFiles"
    """A file that a patch adds, by its name."""
    TEST_IDS = "TestIds"
    """Names of tests that the test patch adds."""
    LATER_RELEASE = "LaterRelease"
    """The project itself is installed in a later version than the tree's."""
    PACKAGE_CACHE = "PackageCache"
    """A package of the project itself in a later version, in a cache of a package manager or as a file."""
    STATEMENT = "Statement"
    """The problem statement has lines that the gold patch adds."""


class LeaksSpec(WireModel):
    """Spec of a leaks pod."""

    v: Literal[1] = 1
    nonce: str
    place: RegistryLocation
    image: Digest
    """The task image."""
    source: Digest
    """Artifact of the clean tree that it was built from."""
    patches: dict[PatchName, Digest]
    """The patches as they were applied."""
    statement: PatchSource | None = None
    """The problem statement: a blob, or a file that is mounted into the pod."""
    project: str
    """Name of the repository without its owner: distributions of this name are the project's own."""
    versions: list[str] = []
    """What the spec and the nearest tag call the version; the tree's manifests are read besides."""
    seconds: int
    """Time for all layers."""


class LeakFinding(WireModel):
    """One place in the image that shows something of the solution."""

    kind: LeakKind
    path: str
    """In the image, printable ASCII; `archive!member` for a member of a zip."""
    layer: int = 0
    """From 1 at the bottom; 0 for a finding that is in no layer."""
    digest: str = ""
    """The first twelve digits of the layer's digest."""
    hidden_by: int | None = None
    """The layer that deletes or replaces the file: it is not in a container's file system, only in the image."""
    detail: str = ""
    """What was found there, without any text of the repository."""
    of_tools: bool = False
    """A copy that the tools of the image bring or brought: named, but no leak of this image alone."""

    def text(self) -> str:
        """`kind path in layer n`, as messages name it."""
        where = f" in layer {self.layer}" if self.layer else ""
        hidden = f", hidden by layer {self.hidden_by}" if self.hidden_by else ""
        return f"{self.kind} {self.path}{where}{hidden}"


class LeaksResult(ProgramResult):
    """Result of a leaks pod; ``code`` is one of OK, SOURCE_MISMATCH, INFRASTRUCTURE, INVALID_SPEC."""

    findings: list[LeakFinding] = []
    """The first ones, leaks before copies of tools."""
    counts: dict[LeakKind, int] = {}
    """All leaks by kind."""
    of_tools: int = 0
    """Findings that are copies of tools."""
    unread: str = ""
    """What could not be read, and so may hold more."""
    layers: int = 0
    bytes: int = 0
    """Unpacked size of all layers that were read."""
    evidence: Digest | None = None
    """Artifact with all findings."""
