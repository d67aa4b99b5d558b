"""Recipes: rules per language that write drafts without a model.

A language is a folder here and a line in ``LANGUAGES``; the search is the same for all
(:mod:`swefoundry.drafts.recipes.recipe_search`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import swefoundry.drafts.recipes.go.go_recipe as go_recipe
import swefoundry.drafts.recipes.node.node_recipe as node_recipe
import swefoundry.drafts.recipes.python.recipe as python_recipe
import swefoundry.drafts.recipes.rust.cargo_recipe as cargo_recipe
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
    RecipeLanguage("javascript", (".js", ".jsx", ".mjs", ".cjs"), node_recipe.initial_plan),
    RecipeLanguage("typescript", (".ts", ".tsx", ".mts", ".cts"), node_recipe.initial_plan),
    RecipeLanguage("rust", (".rs",), cargo_recipe.initial_plan),
)
"""Of languages with equally many test files the first wins. A language without an entry has no recipe; its tasks go to
the next strategy.
"""


def recipe_languages(strategy_input: StrategyInput) -> list[RecipeLanguage]:
    """Return the language that the spec names, else those of the test files, else the source's; most files first."""
    if strategy_input.language is not None:
        name = strategy_input.language.lower()
        return [each for each in LANGUAGES if each.name == name]
    facts = strategy_input.facts
    return _by_frequency(_test_file_counts(facts)) or _by_frequency(facts.languages)


def _test_file_counts(facts: Facts) -> dict[str, int]:
    suffixes = [PurePosixPath(path).suffix for path in facts.test_files]
    return {each.name: sum(suffix in each.suffixes for suffix in suffixes) for each in LANGUAGES}


def _by_frequency(files: dict[str, int]) -> list[RecipeLanguage]:
    found = [each for each in LANGUAGES if files.get(each.name)]
    return sorted(found, key=lambda each: -files[each.name])


def proposals(strategy_input: StrategyInput) -> Iterator[Proposal]:
    """Yield the proposals of the first language whose recipe knows this kind of project, best first."""
    plans = (language.initial_plan(strategy_input) for language in recipe_languages(strategy_input))
    plan = next((plan for plan in plans if plan is not None), None)
    if plan is not None:
        yield from proposals_of(plan, strategy_input)
