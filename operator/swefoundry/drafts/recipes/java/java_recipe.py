"""The Java recipe: turn facts and past rounds into drafts, best first; a candidate is a JDK."""

from dataclasses import dataclass, replace

from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.java.further_tests import has_other_tests_alone
from swefoundry.drafts.recipes.java.gradle_recipe import GradlePlan, gradle_plan
from swefoundry.drafts.recipes.java.java_constraints import NO_JAVA_CONSTRAINTS, JavaConstraints
from swefoundry.drafts.recipes.java.java_draft import plan_label, plan_to_draft
from swefoundry.drafts.recipes.java.java_log import asks_for_permissions, log_constraints
from swefoundry.drafts.recipes.java.java_project import JavaProject, read_java_project
from swefoundry.drafts.recipes.java.java_releases import (
    DEFAULT_JAVA_BASES,
    JavaCandidate,
    java_candidate,
    java_candidates,
)
from swefoundry.drafts.recipes.java.pom_additions import levels_of_fix
from swefoundry.drafts.recipes.recipe_search import SearchPlan, failed_as_root, has_log, images_to_try


@dataclass(frozen=True, kw_only=True)
class JavaPlan(SearchPlan[JavaCandidate, JavaConstraints]):
    """State of the recipe."""

    project: JavaProject
    constraints: JavaConstraints = NO_JAVA_CONSTRAINTS

    def proposal(self, candidate: JavaCandidate) -> Proposal:
        return Proposal(
            strategy=RECIPE,
            label=plan_label(self.project, candidate, self.constraints),
            draft=plan_to_draft(self.project, candidate, self.constraints),
        )

    def allows(self, candidate: JavaCandidate) -> bool:
        return self.constraints.allows(candidate.version)

    def learned_from(self, tried: TriedRound) -> JavaConstraints:
        if not has_log(tried) or self.candidate is None:
            return NO_JAVA_CONSTRAINTS
        learned = log_constraints(tried.message, self.candidate, self.constraints)
        in_reactor = any(module.has_modules for module in self.project.modules)
        # Maven hands the classes of one module to another in phases alone.
        return replace(learned, goals_alone=False) if in_reactor else learned

    def root_explains(self, tried: TriedRound) -> bool:
        return failed_as_root(tried) and asks_for_permissions(tried.message)


def initial_plan(strategy_input: StrategyInput) -> JavaPlan | GradlePlan | None:
    """Return the plan before any round; None without a pom.xml or build.gradle above the tests: Ant has no recipe."""
    if has_other_tests_alone(strategy_input.facts):
        return None
    project = read_java_project(strategy_input)
    if project is None:
        return gradle_plan(strategy_input)
    images = images_to_try(strategy_input, "java", DEFAULT_JAVA_BASES)
    with_maven = [image for image in images if not java_candidate(image).has_gradle]
    at_least = max([project.at_least or 0, *levels_of_fix(project).values()]) or None
    ordered = java_candidates(with_maven or images, at_least, project.named_versions, project.created)
    return JavaPlan(project=project, remaining=tuple(ordered))


def refusal(strategy_input: StrategyInput) -> str | None:
    """Return why the recipe has no plan for a source whose test patch has no class of tests."""
    if not has_other_tests_alone(strategy_input.facts):
        return None
    return (
        "the test patch changes no Java file of a module and nothing in src/test,"
        " and the recipe runs classes of tests alone"
    )
