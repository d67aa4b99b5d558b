"""Which recipe speaks for a source: rules per language, no model."""

from collections.abc import Callable, Iterator, Mapping

import swefoundry.drafts.recipes.python.recipe as python_recipe
from swefoundry.drafts.proposal import Proposal, StrategyInput

Recipe = Callable[[StrategyInput], Iterator[Proposal]]

RECIPES: Mapping[str, Recipe] = {"python": python_recipe.proposals}
"""A language without an entry has no recipe; its rows go to the next strategy."""


def language_of(ask: StrategyInput) -> str | None:
    """The language that was asked for, else the most frequent one that has a recipe."""
    if ask.language is not None:
        return ask.language.lower()
    ranked = sorted(ask.facts.languages.items(), key=lambda item: (-item[1], item[0]))
    return next((name for name, _ in ranked if name in RECIPES), None)


def proposals(ask: StrategyInput) -> Iterator[Proposal]:
    """The recipe's proposals in order of preference; none when no recipe fits."""
    recipe = RECIPES.get(language_of(ask) or "")
    if recipe is not None:
        yield from recipe(ask)
