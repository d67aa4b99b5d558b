"""What the choice of the next round depends on, besides the object and its pods.

The observing side gathers it from the registry and the cache; the rules only read it.
"""

from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from swefoundry import errors
from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.controllers.envbuild.strategy_order import NextStrategies
from swefoundry.drafts import next_proposal, recipes
from swefoundry.drafts.environment_group import EnvironmentGroup
from swefoundry.drafts.proposal import Proposal, StrategyInput
from swefoundry.drafts.proven_environment import ReuseCandidate
from swefoundry.kube.workqueue import Key


class WaitReason(Enum):
    """Why a search is waited for, and so what ends the wait besides its end."""

    GROUP = "group"
    """It is of the same group."""
    BUILD_PLACE = "build place"
    """No build place is free for one more search."""
    LAST_RESORT = "last resort"
    """There is nothing else to try than its image, although it is of another group."""


@dataclass(frozen=True)
class AwaitedLeader:
    """An unfinished EnvBuild of the same repository whose image may make a search unnecessary."""

    key: Key
    reason: WaitReason = WaitReason.GROUP


@dataclass(frozen=True)
class SearchState:
    """Facts, past rounds, proven environments, and the search that goes first."""

    strategies: NextStrategies
    strategy_input: StrategyInput
    group: EnvironmentGroup | None = None
    """None where no image may be reused."""
    unlikely: bool = False
    """The image of the proposal is of another group: one EnvBuild of this group tries it, the others wait for that."""
    leader: AwaitedLeader | None = None
    """The search to wait for, before a draft is written from scratch or an unlikely image is tried."""

    @cached_property
    def proposal(self) -> Proposal | None:
        """The best draft that was not tried yet, of the strategies that need no model."""
        return next_proposal(self.strategies.without_model, self.strategy_input)

    @cached_property
    def refusal(self) -> str | None:
        """Why the recipes have no draft for this source; None where they have one or know no reason."""
        has_recipe = RECIPE in self.strategies.without_model
        return recipes.refusal(self.strategy_input) if has_recipe else None

    @property
    def has_next(self) -> bool:
        """Whether any strategy has something left to try."""
        return self.strategies.agents or self.proposal is not None

    @property
    def reuses_image(self) -> bool:
        """Whether the proposal is a proven image, with no draft to write."""
        return self.proposal is not None and self.proposal.parent is not None

    @property
    def proposed_image(self) -> ReuseCandidate | None:
        """The candidate whose image is the proposal."""
        parent = self.proposal.parent if self.proposal is not None else None
        candidates = self.strategy_input.reuse_candidates
        return next((item for item in candidates if item.parent == parent), None)


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
