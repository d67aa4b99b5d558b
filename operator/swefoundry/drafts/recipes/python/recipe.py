"""The Python recipe: turn facts and past rounds into drafts, best first.

A candidate is an interpreter and a day; the search is that of all recipes.
"""

from dataclasses import dataclass, replace

from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.commit_clock import date_explains
from swefoundry.drafts.recipes.python import build_log, pytest_log
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.interpreters import Candidate, OrderingFacts, candidates, usable_bases
from swefoundry.drafts.recipes.python.ordinary_user import root_explains
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.proven_hints import ProvenHint, proven_hint
from swefoundry.drafts.recipes.python.pytest_family import PYTEST_DEPENDENCIES
from swefoundry.drafts.recipes.python.rebuild import needs_compilation
from swefoundry.drafts.recipes.python.recipe_draft import BuildInputs, DraftPlan, plan_label, plan_to_draft
from swefoundry.drafts.recipes.python.tool_log import tool_constraints
from swefoundry.drafts.recipes.recipe_search import TEST_OUTCOMES, SearchPlan, images_to_try


@dataclass(frozen=True, kw_only=True)
class PythonPlan(SearchPlan[Candidate, Constraints]):
    """State of the recipe."""

    project: PythonProject
    first: Candidate
    inputs: BuildInputs
    constraints: Constraints = NO_CONSTRAINTS
    hint: ProvenHint | None = None

    def proposal(self, candidate: Candidate) -> Proposal:
        plan = DraftPlan(self.project, candidate, self.constraints, self.inputs, self.hint)
        return Proposal(strategy=RECIPE, label=plan_label(plan), draft=plan_to_draft(plan))

    def allows(self, candidate: Candidate) -> bool:
        return self.constraints.allows(candidate.python)

    def learned_from(self, tried: TriedRound) -> Constraints:
        if tried.outcome is RoundOutcome.STEP_FAILED:
            own = build_log.OwnBuild(needs_compilation(self.project), self.project.own.manifest_text)
            return build_log.build_log_constraints(tried.message, self.constraints, own)
        if tried.outcome in TEST_OUTCOMES:
            learned = pytest_log.test_log_constraints(tried.message, self.project.modules)
            return learned.merged(tool_constraints(tried.message, self.project, self.constraints))
        if tried.outcome is RoundOutcome.SOURCE_SHADOWED:
            return Constraints(python_path=frozenset(self.project.import_folders))
        return NO_CONSTRAINTS

    def root_explains(self, tried: TriedRound) -> bool:
        return root_explains(tried, self.project.facts)

    def date_explains(self, tried: TriedRound) -> bool:
        return date_explains(tried, self.project.created)

    @property
    def guessed_constraints(self) -> Constraints:
        """Constraints to try when tests fail and no rule knows a line of the log."""
        again = replace(self, constraints=replace(self.constraints, rebuild=True))
        candidate = self.candidate
        if candidate and again.proposal(candidate).draft != self.proposal(candidate).draft:
            return again.constraints
        return replace(self.constraints, features=bool(self.project.declared.features))

    def last_resort(self) -> "PythonPlan":
        """Try the first candidate with `python -m unittest`: the last resort for tests written for unittest."""
        imported = self.project.facts.test_imports
        if "unittest" not in imported or "pytest" in imported or self.constraints.plain_unittest:
            return replace(self, ended=True)
        return replace(
            self,
            remaining=(self.first,),
            hint=None,
            constraints=replace(self.constraints, plain_unittest=True),
        )


def initial_plan(strategy_input: StrategyInput) -> PythonPlan:
    """Return the plan before any round."""
    project = PythonProject.from_input(strategy_input)
    images = images_to_try(strategy_input, "python")
    bases = usable_bases(images, project.declared.requires_python)
    imported_by_pytest = project.modules.distribution in PYTEST_DEPENDENCIES
    ordering = OrderingFacts(
        created=project.created,
        supported_pythons=project.declared.pythons,
        has_requirements=bool(project.runtime_names),
        is_pytest_dependency=imported_by_pytest,
    )
    known = usable_bases([*images, *strategy_input.base_images.get("python", [])], None)
    uv_base = max(known, key=lambda base: base[1])[0]
    ordered = tuple(candidates(bases, ordering))
    hint = proven_hint(strategy_input.references, project, ordered)
    overrides = strategy_input.overrides
    extra_packages = frozenset(overrides.apt_packages) if overrides is not None else frozenset()
    return PythonPlan(
        project=project,
        first=ordered[0],
        remaining=ordered,
        inputs=BuildInputs(uv_base, extra_packages),
        hint=hint,
        constraints=Constraints(tools_accept_project=imported_by_pytest and project.release is not None),
    )
