"""Propose the next draft: strategies in order, the user's overrides applied, no draft tried twice.

Pure: the same input gives the same proposal on every reconcile, so a restarted operator continues where it was.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from swefoundry.contracts.round_outcome import ACCEPTED_OUTCOMES, RoundOutcome
from swefoundry.contracts.strategy_names import AGENTS, FIXED, RECIPE, REUSE
from swefoundry.drafts import fixed, recipes, reuse
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.proven_environment import Parent
from swefoundry.drafts.root_sensitivity import is_root_sensitive

StrategyFunction = Callable[[StrategyInput], Iterator[Proposal]]
"""Yields proposals in order of preference, given the rounds so far; may be lazy, must be finite."""

STRATEGIES: Mapping[str, StrategyFunction] = {
    FIXED: fixed.proposals,
    REUSE: reuse.proposals,
    RECIPE: recipes.proposals,
}


def next_proposal(strategies: Sequence[str], strategy_input: StrategyInput) -> Proposal | None:
    """Return the best draft that was not tried yet; None when none is left.

    An image that was refused is not reused again; its draft may still be built from scratch.
    """
    try_ordinary_user = _root_may_explain_last(strategy_input)
    if not try_ordinary_user and any(_ends_search(tried) for tried in strategy_input.past_rounds):
        return None
    strategies = [RECIPE] if try_ordinary_user else strategies
    spent = {tried.draft.digest() for tried in strategy_input.past_rounds if tried.parent is None}
    refused = {tried.parent.image for tried in strategy_input.past_rounds if tried.parent is not None}
    for proposal in _all_proposals(strategies, strategy_input):
        final = proposal.model_copy(
            update={"draft": with_overrides(proposal.draft, strategy_input.overrides)}
        )
        known = final.draft.digest() in spent if final.parent is None else final.parent.image in refused
        if not known:
            return final
    return None


def _root_may_explain_last(strategy_input: StrategyInput) -> bool:
    """Whether the last round, and none before, would end the search by a result of which root may be the reason."""
    ending = [tried for tried in strategy_input.past_rounds if _ends_search(tried)]
    if len(ending) != 1 or ending[0] is not strategy_input.past_rounds[-1]:
        return False
    last = ending[0]
    sensitive = is_root_sensitive(last.strategy, last.draft, strategy_input.facts)
    return sensitive and last.outcome is RoundOutcome.BOTH_PASSED


def _ends_search(tried: TriedRound) -> bool:
    """Whether a round ends the search: its image was accepted, or it disproves the row."""
    both_passed = tried.outcome is RoundOutcome.BOTH_PASSED and can_disprove_row(
        tried.strategy, tried.parent, len(tried.draft.tolerated_failures)
    )
    return tried.outcome in ACCEPTED_OUTCOMES or both_passed


def can_disprove_row(strategy: str, parent: Parent | None, tolerated: int) -> bool:
    """Whether tests that pass before and after the fix disprove the row, given how the round was made.

    They do only in an image that was built for it, with a command that is known to test something: a reused image may
    contain the fix, installed from a later commit, agents may have written a command that tests nothing, and a draft
    may tolerate the very test that the fix turns.
    """
    return parent is None and strategy != AGENTS and not tolerated


def _all_proposals(strategies: Sequence[str], strategy_input: StrategyInput) -> Iterator[Proposal]:
    for name in strategies:
        strategy = STRATEGIES.get(name)
        if strategy is not None:
            yield from strategy(strategy_input)
