"""Recipes: rules per language that write drafts without a model."""

from collections.abc import Callable, Iterator, Mapping

import swefoundry.drafts.recipes.python.recipe as python_recipe
from swefoundry.drafts.proposal import Proposal, StrategyInput

Recipe = Callable[[StrategyInput], Iterator[Proposal]]

RECIPES: Mapping[str, Recipe] = {"python": python_recipe.proposals}
"""A language without an entry has no recipe; its tasks go to the next strategy."""


def language_of(strategy_input: StrategyInput) -> str | None:
    """Return the language in the spec, else the most frequent one that has a recipe."""
    if strategy_input.language is not None:
        return strategy_input.language.lower()
    ranked = sorted(strategy_input.facts.languages.items(), key=lambda item: (-item[1], item[0]))
    return next((name for name, _ in ranked if name in RECIPES), None)


def proposals(strategy_input: StrategyInput) -> Iterator[Proposal]:
    """Yield the recipe's proposals, best first; none when there is no recipe for the language."""
    recipe = RECIPES.get(language_of(strategy_input) or "")
    if recipe is not None:
        yield from recipe(strategy_input)
