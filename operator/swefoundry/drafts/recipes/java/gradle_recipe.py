"""The part of the Java recipe for projects of Gradle; a candidate is a JDK, with a Gradle or with the wrapper's."""

from dataclasses import dataclass

from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.java.gradle_draft import gradle_draft, gradle_label
from swefoundry.drafts.recipes.java.gradle_project import GradleProject, read_gradle_project
from swefoundry.drafts.recipes.java.java_constraints import NO_JAVA_CONSTRAINTS, JavaConstraints
from swefoundry.drafts.recipes.java.java_log import asks_for_permissions, log_constraints
from swefoundry.drafts.recipes.java.java_releases import DEFAULT_JAVA_BASES, JavaCandidate, java_candidates
from swefoundry.drafts.recipes.recipe_search import SearchPlan, failed_as_root, has_log, images_to_try


@dataclass(frozen=True, kw_only=True)
class GradlePlan(SearchPlan[JavaCandidate, JavaConstraints]):
    """State of the search."""

    project: GradleProject
    constraints: JavaConstraints = NO_JAVA_CONSTRAINTS

    def proposal(self, candidate: JavaCandidate) -> Proposal:
        return Proposal(
            strategy=RECIPE,
            label=gradle_label(self.project, candidate, self.constraints),
            draft=gradle_draft(self.project, candidate, self.constraints),
        )

    def allows(self, candidate: JavaCandidate) -> bool:
        return self.constraints.allows(candidate.version)

    def learned_from(self, tried: TriedRound) -> JavaConstraints:
        if not has_log(tried) or self.candidate is None:
            return NO_JAVA_CONSTRAINTS
        learned = log_constraints(tried.message, self.candidate, self.constraints)
        return JavaConstraints(
            below=learned.below,
            at_least=learned.at_least,
            apt=learned.apt,
            jvm_options=learned.jvm_options,
        )

    def root_explains(self, tried: TriedRound) -> bool:
        return failed_as_root(tried) and asks_for_permissions(tried.message)


def gradle_plan(strategy_input: StrategyInput) -> GradlePlan | None:
    """Return the plan before any round; None without a build file of Gradle, and without a Gradle to run it."""
    project = read_gradle_project(strategy_input)
    if project is None:
        return None
    images = images_to_try(strategy_input, "java", DEFAULT_JAVA_BASES)
    ordered = java_candidates(images, project.at_least, project.named_versions, project.created)
    usable = [each for each in ordered if each.has_gradle or project.wrapper is not None]
    fit = [each for each in usable if project.at_most is None or each.version[0] <= project.at_most]
    return GradlePlan(project=project, remaining=tuple(fit or usable)) if usable else None
