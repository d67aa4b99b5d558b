"""Which draft is tried next: strategies in the order asked for, a person's overrides applied, nothing tried twice.

Pure: the same ask gives the same proposal on every reconcile, so a restarted operator goes on where it was.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts import fixed, recipes, reuse
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound

StrategyFunction = Callable[[StrategyInput], Iterator[Proposal]]
"""Proposals in order of preference, given what was tried; may be lazy, must end."""

STRATEGIES: Mapping[str, StrategyFunction] = {
    "fixed": fixed.proposals,
    "reuse": reuse.proposals,
    "recipe": recipes.proposals,
}

ACCEPTED_OUTCOMES = frozenset({RoundOutcome.ACCEPTED, RoundOutcome.ACCEPTED_ERROR2PASS})


def next_proposal(strategies: Sequence[str], ask: StrategyInput) -> Proposal | None:
    """The best draft that was not tried yet, or None when nothing is left.

    An image that did not do is not reused again; its draft may still be built from scratch.
    """
    if any(_ends_search(tried) for tried in ask.tried):
        return None
    spent = {tried.draft.digest() for tried in ask.tried if tried.parent is None}
    refused = {tried.parent.image for tried in ask.tried if tried.parent is not None}
    for proposal in _all_proposals(strategies, ask):
        final = proposal.model_copy(update={"draft": with_overrides(proposal.draft, ask.overrides)})
        known = final.draft.digest() in spent if final.parent is None else final.parent.image in refused
        if not known:
            return final
    return None


def _ends_search(tried: TriedRound) -> bool:
    """Whether no other draft is worth building.

    Tests that pass before and after disprove the row only in an image that was built for it, by a command that is known
    to test something: a reused image may hold the fix already, installed from a later commit, and agents may have
    written a command that tests nothing.
    """
    trusted = tried.parent is None and tried.strategy != "agents"
    both_passed = tried.outcome is RoundOutcome.BOTH_PASSED and trusted
    return tried.outcome in ACCEPTED_OUTCOMES or both_passed


def _all_proposals(strategies: Sequence[str], ask: StrategyInput) -> Iterator[Proposal]:
    for name in strategies:
        strategy = STRATEGIES.get(name)
        if strategy is not None:
            yield from strategy(ask)
