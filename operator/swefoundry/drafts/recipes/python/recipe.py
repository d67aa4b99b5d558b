"""The Python recipe: facts and past rounds -> drafts, best first.

Where another commit of the repository was solved, the ladder begins with a step as that one was built. It
has two kinds of step. A failed round that taught something is followed by the same interpreter and day
with the lesson applied; one that taught nothing by the next rung. Past rounds are replayed from their outcomes and
telling lines, so the recipe needs no memory of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.python import build_log, pytest_log
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.interpreters import Candidate, OrderingFacts, candidates, usable_bases
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.proven_hints import ProvenHint, proven_hint
from swefoundry.drafts.recipes.python.recipe_draft import BuildInputs, DraftPlan, plan_label, plan_to_draft

RECIPE_STRATEGY = "recipe"

PYTEST_DEPENDENCIES = frozenset(
    {"attrs", "pluggy", "iniconfig", "packaging", "py", "more-itertools", "atomicwrites", "tomli"}
)
"""What pytest itself imports: when one of these is the project, a later pytest meets an older one than it needs."""

ROUNDS_WITHOUT_PROGRESS = 2
"""Rounds that may come no nearer than one with a few failing tests, before these are left out."""

_TEST_OUTCOMES = frozenset({RoundOutcome.NO_RESULT, RoundOutcome.AFTER_FAILED, RoundOutcome.NOT_RUNNABLE})


@dataclass(frozen=True)
class CandidatePlan:
    """Where the recipe stands: the rungs not left yet (the current one first) and what was learned."""

    project: PythonProject
    first: Candidate
    remaining: tuple[Candidate, ...]
    inputs: BuildInputs
    constraints: Constraints = NO_CONSTRAINTS
    hint: ProvenHint | None = None
    """What is tried before the rungs: as the nearest commit of the repository was built."""
    failing: frozenset[str] = frozenset()
    """The few tests that failed after the fix in the round that came nearest."""
    nearest_candidate: Candidate | None = None
    nearest_hint: ProvenHint | None = None
    rounds_since_nearest: int = 0
    """Rounds after that one, none of which came nearer."""
    ended: bool = False

    @cached_property
    def candidate(self) -> Candidate | None:
        """The current rung; None when the ladder is at its end."""
        if self.ended:
            return None
        return self.hint.candidate if self.hint is not None else next(iter(self.allowed_candidates), None)

    @cached_property
    def allowed_candidates(self) -> tuple[Candidate, ...]:
        """Rungs that the lessons still allow; when they allow none, all: a wrong lesson must not end the ladder."""
        return (
            tuple(rung for rung in self.remaining if self.constraints.allows(rung.python)) or self.remaining
        )

    def after_round(self, tried: TriedRound) -> "CandidatePlan":
        """The next step, given how the current one ended."""
        learned = self.constraints.merged(self._constraints_from(tried))
        failing = self._failing_tests(tried)
        again = bool(failing) and failing == self.failing
        noted = self if again or not failing else self._with_nearest(failing)
        noted = noted if failing else replace(noted, rounds_since_nearest=noted.rounds_since_nearest + 1)
        if noted.failing and (again or noted.rounds_since_nearest >= ROUNDS_WITHOUT_PROGRESS):
            return noted.without_failing_tests()
        if learned == self.constraints and tried.outcome in _TEST_OUTCOMES:
            learned = self._guessed_constraints
        return noted._with_constraints(learned) if learned != self.constraints else noted.next_candidate()

    @property
    def _guessed_constraints(self) -> Constraints:
        """What is worth trying when tests fail without a word that a rule knows."""
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

    def _with_constraints(self, lessons: Constraints) -> "CandidatePlan":
        """The same step with more lessons; a hint moves to another rung when they forbid its own."""
        taught = replace(self, constraints=lessons)
        if self.hint is None or lessons.allows(self.hint.candidate.python):
            return taught
        return replace(taught, hint=replace(self.hint, candidate=taught.allowed_candidates[0]))

    def next_candidate(self) -> "CandidatePlan":
        """The next rung; behind the last one, the nearest round without the tests that no environment satisfies."""
        if self.hint is not None:
            return replace(self, hint=None)
        rest = tuple(rung for rung in self.allowed_candidates if rung != self.candidate)
        return replace(self, remaining=rest) if rest else self.without_failing_tests()

    def without_failing_tests(self) -> "CandidatePlan":
        """The nearest round again without the tests that fail whatever the environment."""
        if not self.failing or self.nearest_candidate is None or self.constraints.deselect:
            return self.with_unittest_runner()
        rest = (
            self.nearest_candidate,
            *(rung for rung in self.allowed_candidates if rung != self.nearest_candidate),
        )
        lessons = replace(self.constraints, deselect=self.failing)
        return replace(self, remaining=rest, hint=self.nearest_hint, constraints=lessons)

    def with_unittest_runner(self) -> "CandidatePlan":
        """The last resort for tests in unittest's style: the first rung with the standard library's runner."""
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
        """The few tests that failed after the fix, when they are no more than in the round that came nearest."""
        if tried.outcome is not RoundOutcome.AFTER_FAILED:
            return frozenset()
        failing = pytest_log.failing_tests(tried.message)
        return failing if not self.failing or len(failing) <= len(self.failing) else frozenset()

    def _constraints_from(self, tried: TriedRound) -> Constraints:
        if tried.outcome is RoundOutcome.STEP_FAILED:
            return build_log.build_log_constraints(tried.message, self.constraints)
        if tried.outcome in _TEST_OUTCOMES:
            return pytest_log.test_log_constraints(tried.message, self.project.modules)
        return NO_CONSTRAINTS


def proposals(ask: StrategyInput) -> Iterator[Proposal]:
    """What is left of the ladder after the rounds so far; the first is the best."""
    ladder = initial_plan(ask)
    for tried in ask.tried:
        if tried.strategy == RECIPE_STRATEGY:
            ladder = _plan_that_made(ladder, tried, ask.overrides).after_round(tried)
    while (rung := ladder.candidate) is not None:
        yield plan_proposal(ladder, rung)
        ladder = ladder.next_candidate()


def _plan_that_made(plan: CandidatePlan, tried: TriedRound, overrides: Overrides | None) -> CandidatePlan:
    """The step that made this draft: steps whose draft had been tried before were passed over."""
    digest, step = tried.draft.digest(), plan
    while (rung := step.candidate) is not None:
        if with_overrides(plan_proposal(step, rung).draft, overrides).digest() == digest:
            return step
        step = step.next_candidate()
    return plan


def initial_plan(ask: StrategyInput) -> CandidatePlan:
    """The foot of the ladder."""
    reading = PythonProject.from_input(ask)
    images = ask.base_images.get("python", [])
    if ask.overrides is not None and ask.overrides.base_image is not None:
        images = [ask.overrides.base_image]
    bases = usable_bases(images, reading.declared.requires_python)
    times = OrderingFacts(
        created=reading.created,
        supported_pythons=reading.declared.pythons,
        has_requirements=bool(reading.runtime_names),
        is_pytest_dependency=reading.modules.distribution in PYTEST_DEPENDENCIES,
    )
    known = usable_bases([*images, *ask.base_images.get("python", [])], None)
    tools = max(known, key=lambda base: base[1])[0]
    steps = tuple(candidates(bases, times))
    hint = proven_hint(ask.references, reading, steps)
    given = frozenset(ask.overrides.apt_packages) if ask.overrides is not None else frozenset()
    return CandidatePlan(reading, steps[0], steps, BuildInputs(tools, given), hint=hint)


def plan_proposal(plan: CandidatePlan, candidate: Candidate) -> Proposal:
    """One rung with everything learned, as a draft."""
    step = DraftPlan(plan.project, candidate, plan.constraints, plan.inputs, plan.hint)
    return Proposal(strategy=RECIPE_STRATEGY, label=plan_label(step), draft=plan_to_draft(step))
