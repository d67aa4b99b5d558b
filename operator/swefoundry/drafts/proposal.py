"""Values that strategies exchange: their input, the rounds so far, and the proposed draft."""

from datetime import datetime

from swefoundry.contracts.draft import Draft, Overrides
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.wire import WireModel
from swefoundry.drafts.proven_environment import Parent, ReuseCandidate


class TriedRound(WireModel):
    """A finished round, as a strategy sees it."""

    strategy: str
    label: str
    draft: Draft
    outcome: RoundOutcome
    message: str = ""
    """Log excerpt (2048 characters at most): of the failing step, or of the `after` evaluation."""
    parent: Parent | None = None
    """Set when the round reused an image."""


class Proposal(WireModel):
    """A proposed draft and what distinguishes it."""

    strategy: str
    label: str
    """A few words for people: `python 3.11, uv, extras test, as of 2023-06-15`."""
    draft: Draft
    parent: Parent | None = None
    """Set when the image is composed instead of built: this image plus a layer with the new checkout."""


class StrategyInput(WireModel):
    """Everything that a strategy may use."""

    facts: Facts
    repo: str | None = None
    """owner/name of the repository."""
    language: str | None = None
    created_at: datetime | None = None
    version: str | None = None
    draft: Draft | None = None
    """The user's own draft."""
    overrides: Overrides | None = None
    base_images: dict[str, list[str]] = {}
    """Per language, the base images that the operator may use, best known first: {"python":
    ["python:3.11-slim", …]}.
    """
    past_rounds: tuple[TriedRound, ...] = ()
    """Rounds so far, oldest first."""
    reuse_candidates: tuple[ReuseCandidate, ...] = ()
    """Proven environments of the same repository whose images may be tried, nearest first."""
    references: tuple[ReuseCandidate, ...] = ()
    """Proven environments of the same repository whose drafts may be read, nearest first."""
