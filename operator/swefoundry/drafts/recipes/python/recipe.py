"""The Python recipe: turn facts and past rounds into drafts, best first.

A failed round whose log yields a constraint is followed by the same candidate (interpreter and day) with that
constraint applied; a round that yields none by the next candidate. Where another commit of the repository has a proven
environment, the first draft is built the way that one was. Past rounds are replayed from their outcomes and log
excerpts, so the recipe keeps no state of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.python import build_log, pytest_log
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.interpreters import Candidate, OrderingFacts, candidates, usable_bases
from swefoundry.drafts.recipes.python.ordinary_user import root_explains
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.proven_hints import ProvenHint, proven_hint
from swefoundry.drafts.recipes.python.recipe_draft import BuildInputs, DraftPlan, plan_label, plan_to_draft

PYTEST_DEPENDENCIES = frozenset(
    {"attrs", "pluggy", "iniconfig", "packaging", "py", "more-itertools", "atomicwrites", "tomli"}
)
"""Distributions that pytest imports: when the project is one of these, a later pytest gets an older release of it than
it needs.
"""

ROUNDS_WITHOUT_PROGRESS = 2
"""After so many rounds with no fewer failing tests than the best round, the failing tests are tolerated."""

_TEST_OUTCOMES = frozenset({RoundOutcome.NO_RESULT, RoundOutcome.AFTER_FAILED, RoundOutcome.NOT_RUNNABLE})


@dataclass(frozen=True)
class CandidatePlan:
    """State of the recipe: the candidates not yet given up, current one first, and the constraints found so far."""

    project: PythonProject
    first: Candidate
    remaining: tuple[Candidate, ...]
    inputs: BuildInputs
    constraints: Constraints = NO_CONSTRAINTS
    hint: ProvenHint | None = None
    """Tried before the candidates: build as the nearest proven commit of the repository was built."""
    failing: frozenset[str] = frozenset()
    """The few tests that failed after the fix in the best round."""
    nearest_candidate: Candidate | None = None
    nearest_hint: ProvenHint | None = None
    rounds_since_nearest: int = 0
    """Rounds since the best one."""
    ended: bool = False
    as_root: "RoundAsRoot | None" = None
    """Set while an ordinary user is tried with a draft that was tried as root."""
    user_tried: bool = False
    """An ordinary user is tried with one draft: when that is no better, the tests need root or do not care."""

    @cached_property
    def candidate(self) -> Candidate | None:
        """The current candidate; None when none is left."""
        if self.ended:
            return None
        return self.hint.candidate if self.hint is not None else next(iter(self.allowed_candidates), None)

    @cached_property
    def allowed_candidates(self) -> tuple[Candidate, ...]:
        """Candidates that the constraints allow; all when they allow none, because a constraint may be wrong."""
        return (
            tuple(candidate for candidate in self.remaining if self.constraints.allows(candidate.python))
            or self.remaining
        )

    def after_round(self, tried: TriedRound) -> "CandidatePlan":
        """Return the plan after a round with the current candidate."""
        if self.as_root is not None:
            return self._after_round_as_user(tried, self.as_root)
        following = self._after_round_as_before(tried)
        learned = self._constraints_from(tried)
        explained = not self.user_tried and root_explains(tried, self.project.facts)
        if not explained or self.constraints.merged(learned) != self.constraints:
            return following
        both_passed = tried.outcome is RoundOutcome.BOTH_PASSED
        otherwise = replace(following, user_tried=True, ended=following.ended or both_passed)
        failures = pytest_log.failure_count(tried.message)
        return replace(
            self,
            constraints=replace(self.constraints, as_user=True),
            user_tried=True,
            as_root=RoundAsRoot(failures, otherwise),
        )

    def _after_round_as_user(self, tried: TriedRound, as_root: "RoundAsRoot") -> "CandidatePlan":
        """Keep the user where fewer tests fail than as root."""
        failures = pytest_log.failure_count(tried.message)
        if tried.outcome is RoundOutcome.AFTER_FAILED and 0 < failures < as_root.failures:
            return replace(self, as_root=None)._after_round_as_before(tried)
        return as_root.otherwise

    def _after_round_as_before(self, tried: TriedRound) -> "CandidatePlan":
        """Return the plan after a round, with the same user."""
        learned = self.constraints.merged(self._constraints_from(tried))
        failing = self._failing_tests(tried)
        again = bool(failing) and failing == self.failing
        updated = self if again or not failing else self._with_nearest(failing)
        updated = (
            updated if failing else replace(updated, rounds_since_nearest=updated.rounds_since_nearest + 1)
        )
        if updated.failing and (again or updated.rounds_since_nearest >= ROUNDS_WITHOUT_PROGRESS):
            return updated.tolerating_failing_tests()
        if learned == self.constraints and tried.outcome in _TEST_OUTCOMES:
            learned = self._guessed_constraints
        return updated._with_constraints(learned) if learned != self.constraints else updated.next_candidate()

    @property
    def _guessed_constraints(self) -> Constraints:
        """Constraints to try when tests fail and no rule knows a line of the log."""
        again = replace(self, constraints=replace(self.constraints, rebuild=True))
        if (
            self.candidate
            and plan_proposal(again, self.candidate).draft != plan_proposal(self, self.candidate).draft
        ):
            return again.constraints
        return replace(self.constraints, features=bool(self.project.declared.features))

    def _with_nearest(self, failing: frozenset[str]) -> "CandidatePlan":
        return replace(
            self,
            failing=failing,
            nearest_candidate=self.candidate,
            nearest_hint=self.hint,
            rounds_since_nearest=0,
        )

    def _with_constraints(self, constraints: Constraints) -> "CandidatePlan":
        """Keep the candidate and add constraints; a hint moves to another candidate when they exclude its own."""
        constrained = replace(self, constraints=constraints)
        if self.hint is None or constraints.allows(self.hint.candidate.python):
            return constrained
        return replace(constrained, hint=replace(self.hint, candidate=constrained.allowed_candidates[0]))

    def next_candidate(self) -> "CandidatePlan":
        """Move to the next candidate; after the last one, repeat the best round and tolerate its failing tests."""
        if self.as_root is not None:
            return self.as_root.otherwise
        if self.hint is not None:
            return replace(self, hint=None)
        remaining = tuple(candidate for candidate in self.allowed_candidates if candidate != self.candidate)
        return replace(self, remaining=remaining) if remaining else self.tolerating_failing_tests()

    def tolerating_failing_tests(self) -> "CandidatePlan":
        """Repeat the best round and tolerate the tests that fail in every environment."""
        if not self.failing or self.nearest_candidate is None or self.constraints.tolerated:
            return self.with_unittest_runner()
        remaining = (
            self.nearest_candidate,
            *(candidate for candidate in self.allowed_candidates if candidate != self.nearest_candidate),
        )
        constraints = replace(self.constraints, tolerated=self.failing)
        return replace(self, remaining=remaining, hint=self.nearest_hint, constraints=constraints)

    def with_unittest_runner(self) -> "CandidatePlan":
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

    def _failing_tests(self, tried: TriedRound) -> frozenset[str]:
        """The few tests that failed after the fix, when they are no more than in the best round."""
        if tried.outcome is not RoundOutcome.AFTER_FAILED:
            return frozenset()
        failing = pytest_log.failing_tests(tried.message)
        return failing if not self.failing or len(failing) <= len(self.failing) else frozenset()

    def _constraints_from(self, tried: TriedRound) -> Constraints:
        if tried.outcome is RoundOutcome.STEP_FAILED:
            return build_log.build_log_constraints(tried.message, self.constraints)
        if tried.outcome in _TEST_OUTCOMES:
            return pytest_log.test_log_constraints(tried.message, self.project.modules)
        if tried.outcome is RoundOutcome.SOURCE_SHADOWED:
            return Constraints(python_path=frozenset(self.project.import_folders))
        return NO_CONSTRAINTS


@dataclass(frozen=True)
class RoundAsRoot:
    """What a draft gave as root, while an ordinary user is tried with it."""

    failures: int
    """Tests that failed after the fix."""
    otherwise: CandidatePlan
    """The plan that follows when an ordinary user is no better."""


def proposals(strategy_input: StrategyInput) -> Iterator[Proposal]:
    """Yield the drafts left after the past rounds, best first."""
    plan = initial_plan(strategy_input)
    for tried in strategy_input.past_rounds:
        if tried.strategy == RECIPE:
            plan = _plan_that_made(plan, tried, strategy_input.overrides).after_round(tried)
    while (candidate := plan.candidate) is not None:
        yield plan_proposal(plan, candidate)
        plan = plan.next_candidate()


def _plan_that_made(plan: CandidatePlan, tried: TriedRound, overrides: Overrides | None) -> CandidatePlan:
    """Return the plan whose draft was tried: plans whose draft had been tried before were skipped."""
    digest, step = tried.draft.digest(), plan
    while (candidate := step.candidate) is not None:
        if with_overrides(plan_proposal(step, candidate).draft, overrides).digest() == digest:
            return step
        step = step.next_candidate()
    return plan


def initial_plan(strategy_input: StrategyInput) -> CandidatePlan:
    """Return the plan before any round."""
    project = PythonProject.from_input(strategy_input)
    images = strategy_input.base_images.get("python", [])
    if strategy_input.overrides is not None and strategy_input.overrides.base_image is not None:
        images = [strategy_input.overrides.base_image]
    bases = usable_bases(images, project.declared.requires_python)
    ordering = OrderingFacts(
        created=project.created,
        supported_pythons=project.declared.pythons,
        has_requirements=bool(project.runtime_names),
        is_pytest_dependency=project.modules.distribution in PYTEST_DEPENDENCIES,
    )
    known = usable_bases([*images, *strategy_input.base_images.get("python", [])], None)
    uv_base = max(known, key=lambda base: base[1])[0]
    ordered = tuple(candidates(bases, ordering))
    hint = proven_hint(strategy_input.references, project, ordered)
    overrides = strategy_input.overrides
    extra_packages = frozenset(overrides.apt_packages) if overrides is not None else frozenset()
    return CandidatePlan(project, ordered[0], ordered, BuildInputs(uv_base, extra_packages), hint=hint)


def plan_proposal(plan: CandidatePlan, candidate: Candidate) -> Proposal:
    """Return the draft of one candidate with all constraints applied."""
    draft_plan = DraftPlan(plan.project, candidate, plan.constraints, plan.inputs, plan.hint)
    return Proposal(strategy=RECIPE, label=plan_label(draft_plan), draft=plan_to_draft(draft_plan))
