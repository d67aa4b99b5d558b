"""The Node recipe: turn facts and past rounds into drafts, best first; a candidate is a release of Node and a day."""

from dataclasses import dataclass

from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.commit_clock import date_explains
from swefoundry.drafts.recipes.node.built_sources import build_commands, is_tested_after_its_build
from swefoundry.drafts.recipes.node.node_constraints import NO_NODE_CONSTRAINTS, NodeConstraints
from swefoundry.drafts.recipes.node.node_draft import plan_label, plan_to_draft
from swefoundry.drafts.recipes.node.node_log import log_constraints, needs_ordinary_user
from swefoundry.drafts.recipes.node.node_project import NodeProject, read_node_project
from swefoundry.drafts.recipes.node.node_releases import DEFAULT_NODE_BASES, NodeCandidate, node_candidates
from swefoundry.drafts.recipes.node.requested_releases import release_bounds
from swefoundry.drafts.recipes.node.runner_detection import (
    RunnerCommand,
    browser_runner,
    find_runner,
    runner_on,
)
from swefoundry.drafts.recipes.recipe_search import SearchPlan, failed_as_root, has_log, images_to_try


@dataclass(frozen=True, kw_only=True)
class NodePlan(SearchPlan[NodeCandidate, NodeConstraints]):
    """State of the recipe."""

    project: NodeProject
    runner: RunnerCommand
    constraints: NodeConstraints = NO_NODE_CONSTRAINTS

    def proposal(self, candidate: NodeCandidate) -> Proposal:
        runner = runner_on(candidate.version, self.runner)
        return Proposal(
            strategy=RECIPE,
            label=plan_label(self.project, runner, candidate, self.constraints),
            draft=plan_to_draft(self.project, runner, candidate, self.constraints),
        )

    def allows(self, candidate: NodeCandidate) -> bool:
        return self.constraints.allows(candidate.version)

    def learned_from(self, tried: TriedRound) -> NodeConstraints:
        if not has_log(tried) or self.candidate is None:
            return NO_NODE_CONSTRAINTS
        return log_constraints(tried.message, self.project, self.runner, self.candidate.version)

    def root_explains(self, tried: TriedRound) -> bool:
        return failed_as_root(tried) and needs_ordinary_user(tried.message)

    def date_explains(self, tried: TriedRound) -> bool:
        return date_explains(tried, self.project.created)


def initial_plan(strategy_input: StrategyInput) -> NodePlan | None:
    """Return the plan before any round; None without a manifest above the tests, or with tests for browsers alone."""
    project = read_node_project(strategy_input)
    runner = find_runner(project.fixed_manifest, project.root) if project is not None else None
    if project is None or runner is None:
        return None
    images = images_to_try(strategy_input, "javascript", DEFAULT_NODE_BASES)
    lock_needs = project.lock.at_least if project.lock is not None else None
    bounds = release_bounds(project.facts, project.manifest, lock_needs)
    ordered = node_candidates(images, bounds, project.created)
    built = is_tested_after_its_build(project.fixed_manifest) and bool(build_commands(project))
    constraints = NodeConstraints(build=built)
    return NodePlan(project=project, runner=runner, remaining=tuple(ordered), constraints=constraints)


def refusal(strategy_input: StrategyInput) -> str | None:
    """Return why the recipe has no plan for a source with a manifest above its tests."""
    project = read_node_project(strategy_input)
    if project is None or find_runner(project.fixed_manifest, project.root) is not None:
        return None
    program = browser_runner(project.fixed_manifest, project.root)
    return f"the tests run in a browser ({program}), and no recipe installs browsers"
