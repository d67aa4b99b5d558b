"""Rows whose result may depend on root: to root, which runs the tests unless a draft says otherwise, permissions mean
nothing.
"""

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.facts import Facts
from swefoundry.contracts.strategy_names import RECIPE


def is_root_sensitive(strategy: str, draft: Draft, facts: Facts) -> bool:
    """Whether root may be why a draft's tests pass without the fix: they ask for their user or for permissions.

    Only of the recipe's drafts, because only the recipe tries an ordinary user next.
    """
    return strategy == RECIPE and draft.run_as_user is None and bool(facts.root_sensitive_tests)
