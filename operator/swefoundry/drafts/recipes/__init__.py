"""Recipes: rules per language that write drafts without a model.

A language is a folder here and a line in ``LANGUAGES``; the search is the same for all
(:mod:`swefoundry.drafts.recipes.recipe_search`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import swefoundry.drafts.recipes.go.go_recipe as go_recipe
import swefoundry.drafts.recipes.python.recipe as python_recipe
from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import Proposal, StrategyInput
from swefoundry.drafts.recipes.recipe_search import SearchPlan, proposals_of


@dataclass(frozen=True)
class RecipeLanguage:
    """A language with a recipe."""

    name: str
    suffixes: tuple[str, ...]
    """Of its source files: the language of the test patch decides."""
    initial_plan: Callable[[StrategyInput], SearchPlan[Any, Any] | None]
    """Returns the plan before any round; None where the recipe does not know this kind of project."""


LANGUAGES: tuple[RecipeLanguage, ...] = (
    RecipeLanguage("python", (".py",), python_recipe.initial_plan),
    RecipeLanguage("go", (".go",), go_recipe.initial_plan),
)
"""Of languages with equally many test files the first wins. A language without an entry has no recipe; its tasks go to
the next strategy.
"""


def recipe_language(strategy_input: StrategyInput) -> RecipeLanguage | None:
    """Return the language that the spec names, else that of most test files, else that of most files."""
    if strategy_input.language is not None:
        name = strategy_input.language.lower()
        return next((each for each in LANGUAGES if each.name == name), None)
    facts = strategy_input.facts
    return _most_frequent(_test_file_counts(facts)) or _most_frequent(facts.languages)


def _test_file_counts(facts: Facts) -> dict[str, int]:
    suffixes = [PurePosixPath(path).suffix for path in facts.test_files]
    return {each.name: sum(suffix in each.suffixes for suffix in suffixes) for each in LANGUAGES}


def _most_frequent(files: dict[str, int]) -> RecipeLanguage | None:
    found = [each for each in LANGUAGES if files.get(each.name)]
    return max(found, key=lambda each: files[each.name], default=None)


def proposals(strategy_input: StrategyInput) -> Iterator[Proposal]:
    """Yield the recipe's proposals, best first; none when there is no recipe for the language."""
    language = recipe_language(strategy_input)
    plan = language.initial_plan(strategy_input) if language is not None else None
    if plan is not None:
        yield from proposals_of(plan, strategy_input)
