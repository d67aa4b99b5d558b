"""Which draft is tried next: strategies in the order asked for, a person's overrides applied, nothing tried twice.

Pure: the same ask gives the same proposal on every reconcile, so a restarted operator goes on where it was.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from swefoundry.domain.rounds import Ask, Proposal, RoundOutcome
from swefoundry.strategies import fixed, recipes
from swefoundry.strategies.overriding import overridden

Strategy = Callable[[Ask], Iterator[Proposal]]
"""Proposals in order of preference, given what was tried; may be lazy, must end."""

STRATEGIES: Mapping[str, Strategy] = {"fixed": fixed.proposals, "recipe": recipes.proposals}

SETTLED = frozenset({RoundOutcome.ACCEPTED, RoundOutcome.ACCEPTED_ERROR2PASS, RoundOutcome.BOTH_PASSED})
"""Rounds after which no other draft is worth building."""


def next_proposal(strategies: Sequence[str], ask: Ask) -> Proposal | None:
    """The best draft that was not tried yet, or None when nothing is left."""
    if any(tried.outcome in SETTLED for tried in ask.tried):
        return None
    spent = {tried.draft.digest() for tried in ask.tried}
    for proposal in _all_proposals(strategies, ask):
        final = proposal.model_copy(update={"draft": overridden(proposal.draft, ask.overrides)})
        if final.draft.digest() not in spent:
            return final
    return None


def _all_proposals(strategies: Sequence[str], ask: Ask) -> Iterator[Proposal]:
    for name in strategies:
        strategy = STRATEGIES.get(name)
        if strategy is not None:
            yield from strategy(ask)
