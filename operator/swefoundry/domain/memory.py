"""What is remembered of environments that were proven, so that the next one of the same repository is cheaper."""

from datetime import datetime

from pydantic import Field

from swefoundry.domain.drafts import Draft
from swefoundry.domain.layers import Digest
from swefoundry.domain.values import Value


class Known(Value):
    """One environment that was accepted on a measured fail2pass; an artifact of its repository, never changed."""

    v: int = 1
    repo: str
    """owner/name."""
    image: Digest
    """Manifest digest of the task image."""
    source: Digest
    """Artifact of the clean tree that is under /testbed in the image."""
    draft: Digest
    """Blob with the draft that made it."""
    fingerprint: str = ""
    """sha256 over manifests, lockfiles and toolchain files."""
    version: str | None = None
    created_at: datetime | None = None
    """Date of the commit."""
    strategy: str = ""
    """Strategy that made it; `reuse` for an image that was itself reused."""
    parent: Digest | None = None
    """Image that it was made from by reuse."""
    accepted_on: str = "fail2pass"
    env_build: str = ""
    """namespace/name of the EnvBuild: provenance, for people."""
    evidence: dict[str, Digest] = {}
    """Per stage, the evidence of the probe that it was accepted on."""
    experiment: str | None = None


class Trials(Value):
    """How often an environment was reused, and with what success."""

    accepted: int = 0
    refused: int = 0


class Neighbour(Value):
    """A known environment near the one that is asked for, with the draft that made it."""

    known: Known
    draft: Draft
    trials: Trials = Trials()


class Parent(Value):
    """The image that a reuse proposal stands on."""

    image: Digest = Field(description="Digest of its manifest.")
    source: Digest = Field(description="Artifact of the tree that is under its /testbed.")
