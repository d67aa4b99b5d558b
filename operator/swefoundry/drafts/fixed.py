"""The strategy `fixed`: the user's own draft."""

from collections.abc import Iterator

from swefoundry.contracts.strategy_names import FIXED
from swefoundry.drafts.proposal import Proposal, StrategyInput


def proposals(strategy_input: StrategyInput) -> Iterator[Proposal]:
    """Yield the draft of the manifest, if it has one."""
    if strategy_input.draft is not None:
        yield Proposal(strategy=FIXED, label="the given draft", draft=strategy_input.draft)
