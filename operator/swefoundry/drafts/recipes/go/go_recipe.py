"""The Go recipe: turn facts and past rounds into drafts, best first; a candidate is a release of Go."""

from dataclasses import dataclass

from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.go.go_constraints import NO_GO_CONSTRAINTS, GoConstraints
from swefoundry.drafts.recipes.go.go_draft import plan_label, plan_to_draft
from swefoundry.drafts.recipes.go.go_log import asks_for_permissions, log_constraints
from swefoundry.drafts.recipes.go.go_project import GoProject, read_project
from swefoundry.drafts.recipes.go.toolchains import DEFAULT_GO_BASES, Toolchain, toolchains
from swefoundry.drafts.recipes.recipe_search import SearchPlan, failed_as_root, has_log, images_to_try


@dataclass(frozen=True, kw_only=True)
class GoPlan(SearchPlan[Toolchain, GoConstraints]):
    """State of the recipe."""

    project: GoProject
    constraints: GoConstraints = NO_GO_CONSTRAINTS

    def proposal(self, candidate: Toolchain) -> Proposal:
        return Proposal(
            strategy=RECIPE,
            label=plan_label(self.project, candidate, self.constraints),
            draft=plan_to_draft(self.project, candidate, self.constraints),
        )

    def allows(self, candidate: Toolchain) -> bool:
        return self.constraints.allows(candidate.version)

    def learned_from(self, tried: TriedRound) -> GoConstraints:
        return log_constraints(tried.message) if has_log(tried) else NO_GO_CONSTRAINTS

    def root_explains(self, tried: TriedRound) -> bool:
        return failed_as_root(tried) and asks_for_permissions(tried.message)


def initial_plan(strategy_input: StrategyInput) -> GoPlan | None:
    """Return the plan before any round; None where no module has the tests."""
    project = read_project(strategy_input)
    if project is None:
        return None
    images = images_to_try(strategy_input, "go", DEFAULT_GO_BASES)
    ordered = toolchains(images, project.go_version, project.created)
    return GoPlan(project=project, remaining=tuple(ordered))
