"""What the choice of the next round depends on, besides the object and its pods.

The observing side gathers it from the registry and the cache; the rules only read it.
"""

from dataclasses import dataclass
from functools import cached_property

from swefoundry import errors
from swefoundry.controllers.envbuild.strategy_order import NextStrategies
from swefoundry.drafts import next_proposal
from swefoundry.drafts.proposal import Proposal, StrategyInput
from swefoundry.kube.workqueue import Key


@dataclass(frozen=True)
class SearchState:
    """Facts, past rounds, proven environments, and the search that goes first."""

    strategies: NextStrategies
    strategy_input: StrategyInput
    leader: Key | None = None
    """An unfinished EnvBuild of the same repository to wait for, before a draft is written from scratch."""

    @cached_property
    def proposal(self) -> Proposal | None:
        """The best draft that was not tried yet, of the strategies that need no model."""
        return next_proposal(self.strategies.without_model, self.strategy_input)

    @property
    def reuses_image(self) -> bool:
        """Whether the proposal is a proven image, with no draft to write."""
        return self.proposal is not None and self.proposal.parent is not None


@dataclass(frozen=True)
class ParentUnusable:
    """The EnvBuild of `spec.environment.parentRef` has no image that can be reused."""

    message: str


@dataclass(frozen=True)
class ParentUnfinished:
    """The EnvBuild of `spec.environment.parentRef` has not ended yet."""

    name: str


@dataclass(frozen=True)
class SearchUnreadable:
    """The API or the registry refused or failed while the state was gathered."""

    error: errors.SwefoundryError


Search = SearchState | ParentUnusable | ParentUnfinished | SearchUnreadable
