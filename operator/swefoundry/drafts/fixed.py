"""The user's own draft, as it was given."""

from collections.abc import Iterator

from swefoundry.drafts.proposal import Proposal, StrategyInput


def proposals(ask: StrategyInput) -> Iterator[Proposal]:
    """One proposal when the manifest has a draft, none otherwise."""
    if ask.draft is not None:
        yield Proposal(strategy="fixed", label="the given draft", draft=ask.draft)
