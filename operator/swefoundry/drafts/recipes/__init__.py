"""Recipes: rules per language that write drafts without a model.

A language is a folder here and a line in ``LANGUAGES``; the search is the same for all
(:mod:`swefoundry.drafts.recipes.recipe_search`).
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import swefoundry.drafts.recipes.go.go_recipe as go_recipe
import swefoundry.drafts.recipes.java.java_recipe as java_recipe
import swefoundry.drafts.recipes.node.node_recipe as node_recipe
import swefoundry.drafts.recipes.python.recipe as python_recipe
import swefoundry.drafts.recipes.rust.cargo_recipe as cargo_recipe
from swefoundry.contracts.facts import Facts
from swefoundry.drafts.proposal import Proposal, StrategyInput
from swefoundry.drafts.recipes.go.toolchains import DEFAULT_GO_BASES
from swefoundry.drafts.recipes.java.gradle_project import BUILD_FILES
from swefoundry.drafts.recipes.java.java_project import POM
from swefoundry.drafts.recipes.java.java_releases import DEFAULT_JAVA_BASES
from swefoundry.drafts.recipes.node.node_project import MANIFEST
from swefoundry.drafts.recipes.node.node_releases import DEFAULT_NODE_BASES
from swefoundry.drafts.recipes.recipe_search import SearchPlan, proposals_of
from swefoundry.drafts.recipes.rust.rust_releases import DEFAULT_RUST_BASES

_NAMED_FILES = 3
"""Most files that a message names."""


@dataclass(frozen=True)
class RecipeLanguage:
    """A language with a recipe."""

    name: str
    suffixes: tuple[str, ...]
    """Of its source files: the language of the test patch decides."""
    initial_plan: Callable[[StrategyInput], SearchPlan[Any, Any] | None]
    """Returns the plan before any round; None where the recipe does not know this kind of project."""
    default_images: tuple[str, ...] = ()
    """Base images where the operator's settings name none."""
    images_of: str = ""
    """Name of its base images in the settings, where that is not its own."""
    manifests: tuple[str, ...] = ()
    """Files of which its recipe needs one in a folder above the tests."""
    refusal: Callable[[StrategyInput], str | None] | None = None
    """Returns why there is no plan, where that is not that a manifest is missing."""


LANGUAGES: tuple[RecipeLanguage, ...] = (
    RecipeLanguage("python", (".py",), python_recipe.initial_plan),
    RecipeLanguage("go", (".go",), go_recipe.initial_plan, DEFAULT_GO_BASES),
    RecipeLanguage(
        "javascript",
        (".js", ".jsx", ".mjs", ".cjs"),
        node_recipe.initial_plan,
        DEFAULT_NODE_BASES,
        manifests=(MANIFEST,),
        refusal=node_recipe.refusal,
    ),
    RecipeLanguage(
        "typescript",
        (".ts", ".tsx", ".mts", ".cts"),
        node_recipe.initial_plan,
        DEFAULT_NODE_BASES,
        images_of="javascript",
        manifests=(MANIFEST,),
        refusal=node_recipe.refusal,
    ),
    RecipeLanguage(
        "java",
        (".java",),
        java_recipe.initial_plan,
        DEFAULT_JAVA_BASES,
        manifests=(POM, *BUILD_FILES),
        refusal=java_recipe.refusal,
    ),
    RecipeLanguage(
        "rust", (".rs",), cargo_recipe.initial_plan, DEFAULT_RUST_BASES, manifests=("Cargo.toml",)
    ),
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


def language_base_images(strategy_input: StrategyInput) -> list[str]:
    """Return base images of the row's language, best known first; of all languages where it has none."""
    by_language = strategy_input.base_images
    for each in recipe_languages(strategy_input):
        images = by_language.get(each.images_of or each.name) or each.default_images
        return list(images)
    own = by_language.get((strategy_input.language or "").lower())
    listed = own or [image for images in by_language.values() for image in images]
    return list(dict.fromkeys(listed))


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


def first_proposal(strategy_input: StrategyInput, images: list[str]) -> Proposal | None:
    """Return what the recipe of the row's language proposes first from these base images; None where it has none."""
    for language in recipe_languages(strategy_input)[:1]:
        by_language = {language.images_of or language.name: images}
        limited = strategy_input.model_copy(update={"base_images": by_language})
        plan = language.initial_plan(limited) if images else None
        return next(proposals_of(plan, limited), None) if plan is not None else None
    return None


def refusal(strategy_input: StrategyInput) -> str | None:
    """Return why no recipe has a draft for a source; None where one has, or none knows the reason."""
    languages = recipe_languages(strategy_input)
    if not languages:
        return _without_tests(strategy_input.facts) or _unknown_language(strategy_input)
    reasons = (_refusal_of(language, strategy_input) for language in languages)
    return next((reason for reason in reasons if reason is not None), None)


def _unknown_language(strategy_input: StrategyInput) -> str:
    known = ", ".join(each.name for each in LANGUAGES)
    if strategy_input.language is not None:
        return f"spec.language is {strategy_input.language}, and recipes know {known}"
    suffixes = dict.fromkeys(PurePosixPath(path).suffix for path in strategy_input.facts.test_files)
    listed = ", ".join(filter(None, suffixes)) or "no suffix"
    return f"the test files ({listed}) are of no language that recipes know ({known})"


def _refusal_of(language: RecipeLanguage, strategy_input: StrategyInput) -> str | None:
    if language.initial_plan(strategy_input) is not None:
        return None
    reason = language.refusal(strategy_input) if language.refusal is not None else None
    return reason or _without_tests(strategy_input.facts) or _without_manifest(language)


def _without_tests(facts: Facts) -> str | None:
    if facts.test_files or not facts.test_support_files:
        return None
    listed = ", ".join(facts.test_support_files[:_NAMED_FILES])
    return f"no file of the test patch has tests, by its name and what it calls: {listed}"


def _without_manifest(language: RecipeLanguage) -> str | None:
    if not language.manifests:
        return None
    return f"no {' or '.join(language.manifests)} stands above the test files"
