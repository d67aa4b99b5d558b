"""The Rust recipe: turn facts and past rounds into drafts, best first; a candidate is a release of Rust."""

from dataclasses import dataclass

from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.recipe_search import SearchPlan, failed_as_root, has_log, images_to_try
from swefoundry.drafts.recipes.rust.cargo_constraints import NO_CARGO_CONSTRAINTS, CargoConstraints
from swefoundry.drafts.recipes.rust.cargo_draft import plan_label, plan_to_draft
from swefoundry.drafts.recipes.rust.cargo_log import asks_for_permissions, log_constraints
from swefoundry.drafts.recipes.rust.cargo_project import CargoProject, read_project
from swefoundry.drafts.recipes.rust.rust_releases import DEFAULT_RUST_BASES, RustCandidate, candidates


@dataclass(frozen=True, kw_only=True)
class CargoPlan(SearchPlan[RustCandidate, CargoConstraints]):
    """State of the recipe."""

    project: CargoProject
    constraints: CargoConstraints = NO_CARGO_CONSTRAINTS

    def proposal(self, candidate: RustCandidate) -> Proposal:
        return Proposal(
            strategy=RECIPE,
            label=plan_label(self.project, candidate, self.constraints),
            draft=plan_to_draft(self.project, candidate, self.constraints),
        )

    def allows(self, candidate: RustCandidate) -> bool:
        return self.constraints.allows(candidate.version)

    def learned_from(self, tried: TriedRound) -> CargoConstraints:
        if not has_log(tried):
            return NO_CARGO_CONSTRAINTS
        return log_constraints(tried.message, "examples/" in self.project.facts.root_entries)

    def root_explains(self, tried: TriedRound) -> bool:
        return failed_as_root(tried) and asks_for_permissions(tried.message)


def initial_plan(strategy_input: StrategyInput) -> CargoPlan | None:
    """Return the plan before any round; None for a source without a Cargo.toml above its tests."""
    project = read_project(strategy_input)
    if project is None:
        return None
    images = images_to_try(strategy_input, "rust", DEFAULT_RUST_BASES)
    ordered = candidates(images, project.rust_version, project.created)
    return CargoPlan(project=project, remaining=tuple(ordered))
