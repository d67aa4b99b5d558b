"""The search that all recipes share: candidates in order, constraints learned from failures, tolerated failures.

A failed round whose log yields a constraint is followed by the same candidate with that constraint applied; a round
that yields none by the next candidate. Where another commit of the repository has a proven environment, the first draft
is built the way that one was. Past rounds are replayed from their outcomes and log excerpts, so a recipe keeps no state
of its own.

A language subclasses ``SearchPlan`` with its candidates, constraints, rules and drafts.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any, Generic, Self, TypeVar

from swefoundry.contracts.draft import Overrides
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.strategy_names import RECIPE
from swefoundry.drafts.overrides import with_overrides
from swefoundry.drafts.proposal import Proposal, StrategyInput, TriedRound
from swefoundry.drafts.recipes.log_summary import failing_tests, failure_count
from swefoundry.drafts.recipes.network_failures import network_explains
from swefoundry.drafts.recipes.repeated_failures import FailedCandidates, least_alike_first
from swefoundry.text.plurals import pluralize

ROUNDS_WITHOUT_PROGRESS = 2
"""After so many rounds with no fewer failing tests than the best round, the failing tests are tolerated."""

TEST_OUTCOMES = frozenset({RoundOutcome.NO_RESULT, RoundOutcome.AFTER_FAILED, RoundOutcome.NOT_RUNNABLE})
"""Outcomes of rounds whose message is an excerpt of the tests' log."""

ORDINARY_USER = 1000
"""Id of the first user that distributions give to a person: in images that have such a user, it is this one."""


def has_log(tried: TriedRound) -> bool:
    """Whether the round's message is an excerpt of a log, of a build step or of the tests."""
    others = (RoundOutcome.STEP_FAILED, RoundOutcome.ADDRESS_UNREACHABLE, RoundOutcome.EXIT_UNEXPLAINED)
    return tried.outcome in others or tried.outcome in TEST_OUTCOMES


def failed_as_root(tried: TriedRound) -> bool:
    """Whether tests failed after the fix and ran as root."""
    return tried.outcome is RoundOutcome.AFTER_FAILED and tried.draft.run_as_user is None


def images_to_try(strategy_input: StrategyInput, language: str, defaults: Iterable[str] = ()) -> list[str]:
    """The base image that the manifest names; else the operator's of the language, or the defaults."""
    if strategy_input.overrides is not None and strategy_input.overrides.base_image is not None:
        return [strategy_input.overrides.base_image]
    return strategy_input.base_images.get(language) or list(defaults)


LanguageVersion = tuple[int, int]
"""Of an interpreter or toolchain: 3.11, 1.22."""


@dataclass(frozen=True)
class SearchConstraints:
    """Constraints on the environment that failed rounds revealed; they hold for every later draft."""

    below: LanguageVersion | None = None
    """Only interpreters or toolchains older than this."""
    at_least: LanguageVersion | None = None
    as_user: bool = False
    """Run the tests as an ordinary user: as root, they fail for that reason alone."""
    dated_clock: bool = False
    """Run the tests with the clock of the change's day: they depend on the date."""
    tolerated: frozenset[str] = frozenset()
    """Tests whose failures do not count, because they fail after the fix in every environment."""

    def merged(self, other: Self) -> Self:
        """Return the union; merging never drops a constraint. Of two bounds the stricter holds."""
        joined: dict[str, Any] = {
            item.name: _join_values(getattr(self, item.name), getattr(other, item.name))
            for item in fields(self)
        }
        joined["below"] = min(filter(None, (self.below, other.below)), default=None)
        joined["at_least"] = max(filter(None, (self.at_least, other.at_least)), default=None)
        return replace(self, **joined)

    def described(self) -> list[str]:
        """What they do to the tests, for the label of a draft."""
        words = ["as an ordinary user"] if self.as_user else []
        if self.dated_clock:
            words.append("with the clock of the change's day")
        if self.tolerated:
            words.append(f"tolerates {pluralize(len(self.tolerated), 'test')} failing after the fix")
        return words

    def allows(self, version: LanguageVersion) -> bool:
        """Whether the bounds allow an interpreter or toolchain."""
        return (self.below is None or version < self.below) and (
            self.at_least is None or version >= self.at_least
        )


def _join_values(mine: object, other: object) -> object:
    if isinstance(mine, frozenset) and isinstance(other, frozenset):
        return mine | other
    return other or mine


CandidateT = TypeVar("CandidateT")
ConstraintsT = TypeVar("ConstraintsT", bound=SearchConstraints)


@dataclass(frozen=True, kw_only=True)
class SearchHint(Generic[CandidateT]):
    """The candidate nearest to a proven draft of another commit."""

    candidate: CandidateT


@dataclass(frozen=True, kw_only=True)
class SearchPlan(ABC, Generic[CandidateT, ConstraintsT]):
    """State of a search: the candidates not yet given up, current one first, and the constraints found so far."""

    remaining: tuple[CandidateT, ...]
    constraints: ConstraintsT
    hint: SearchHint[CandidateT] | None = None
    """Tried before the candidates: build as the nearest proven commit of the repository was built."""
    failing: frozenset[str] = frozenset()
    """The few tests that failed after the fix in the best round."""
    nearest_candidate: CandidateT | None = None
    nearest_hint: SearchHint[CandidateT] | None = None
    rounds_since_nearest: int = 0
    """Rounds since the best one."""
    failed: FailedCandidates[CandidateT] = field(default_factory=FailedCandidates)
    """Candidates tried so far and how they failed."""
    ended: bool = False
    unvaried: "UnvariedRound[Self] | None" = None
    """Set while a draft that was tried is tried with another user or another clock."""
    varied: frozenset[str] = frozenset()
    """Names of the constraints that were tried so, each with one draft: when it is no better, tests do not care."""

    @abstractmethod
    def proposal(self, candidate: CandidateT) -> Proposal:
        """Return the draft of one candidate with all constraints applied."""

    @abstractmethod
    def allows(self, candidate: CandidateT) -> bool:
        """Whether the constraints allow a candidate."""

    @abstractmethod
    def learned_from(self, tried: TriedRound) -> ConstraintsT:
        """Return the constraints that a round's outcome and log reveal."""

    @abstractmethod
    def root_explains(self, tried: TriedRound) -> bool:
        """Whether an ordinary user may give the round another outcome."""

    def date_explains(self, tried: TriedRound) -> bool:
        """Whether the clock of the change's day may give the round another outcome; no where no draft can set it."""
        return False

    @property
    def guessed_constraints(self) -> ConstraintsT:
        """Constraints to try when tests fail and no rule knows a line of the log."""
        return self.constraints

    def last_resort(self) -> Self:
        """Return the plan after the last candidate, when no failure can be tolerated."""
        return replace(self, ended=True)

    @cached_property
    def candidate(self) -> CandidateT | None:
        """The current candidate; None when none is left."""
        if self.ended:
            return None
        return self.hint.candidate if self.hint is not None else next(iter(self.allowed_candidates), None)

    @cached_property
    def allowed_candidates(self) -> tuple[CandidateT, ...]:
        """Candidates that the constraints allow; all when they allow none, because a constraint may be wrong."""
        return tuple(filter(self.allows, self.remaining)) or self.remaining

    def after_round(self, tried: TriedRound) -> Self:
        """Return the plan after a round with the current candidate."""
        if self.unvaried is not None:
            return self._after_variation(tried, self.unvaried)
        following = self._after_round_as_before(tried)
        learned = self.learned_from(tried)
        variation = self._variation_after(tried)
        if variation is None or self.constraints.merged(learned) != self.constraints:
            return following
        both_passed = tried.outcome is RoundOutcome.BOTH_PASSED
        varied = self.varied | {variation}
        tried_now: dict[str, Any] = {variation: True}
        otherwise = replace(following, varied=varied, ended=following.ended or both_passed)
        return replace(
            self,
            constraints=replace(self.constraints, **tried_now),
            varied=varied,
            unvaried=UnvariedRound(failure_count(tried.message), otherwise),
        )

    def _variation_after(self, tried: TriedRound) -> str | None:
        """Name of the constraint that is tried with the same draft before anything else."""
        explanations = (("as_user", self.root_explains), ("dated_clock", self.date_explains))
        named = (name for name, explains in explanations if name not in self.varied and explains(tried))
        return next(named, None)

    def _after_variation(self, tried: TriedRound, unvaried: "UnvariedRound[Self]") -> Self:
        """Keep the constraint where fewer tests fail with it."""
        failures = failure_count(tried.message)
        if tried.outcome is RoundOutcome.AFTER_FAILED and 0 < failures < unvaried.failures:
            return replace(self, unvaried=None)._after_round_as_before(tried)
        return unvaried.otherwise

    def _after_round_as_before(self, tried: TriedRound) -> Self:
        """Return the plan after a round, with the same user and the same clock."""
        learned = self.constraints.merged(self.learned_from(tried))
        failing = self._failing_tests(tried)
        again = bool(failing) and failing == self.failing
        noted = self._with_failure(tried)
        updated = noted if again or not failing else noted._with_nearest(failing)
        updated = (
            updated if failing else replace(updated, rounds_since_nearest=updated.rounds_since_nearest + 1)
        )
        hopeless = again or (learned == self.constraints and network_explains(tried.message, failing))
        if updated.failing and (hopeless or updated.rounds_since_nearest >= ROUNDS_WITHOUT_PROGRESS):
            return updated.tolerating_failing_tests()
        if learned == self.constraints and tried.outcome in TEST_OUTCOMES:
            learned = self.guessed_constraints
        return updated._with_constraints(learned) if learned != self.constraints else updated.next_candidate()

    def _with_failure(self, tried: TriedRound) -> Self:
        """Note how the candidate failed; the hint is no candidate of its own."""
        if self.candidate is None or self.hint is not None or not has_log(tried):
            return self
        return replace(self, failed=self.failed.having(self.candidate, tried.message))

    def _with_nearest(self, failing: frozenset[str]) -> Self:
        return replace(
            self,
            failing=failing,
            nearest_candidate=self.candidate,
            nearest_hint=self.hint,
            rounds_since_nearest=0,
        )

    def _with_constraints(self, constraints: ConstraintsT) -> Self:
        """Keep the candidate and add constraints; a hint moves to another candidate when they exclude its own."""
        constrained = replace(self, constraints=constraints)
        if self.hint is None or constrained.allows(self.hint.candidate):
            return constrained
        return replace(constrained, hint=replace(self.hint, candidate=constrained.allowed_candidates[0]))

    def next_candidate(self) -> Self:
        """Move to the next candidate; after the last one, repeat the best round and tolerate its failing tests."""
        if self.unvaried is not None:
            return self.unvaried.otherwise
        if self.hint is not None:
            return replace(self, hint=None)
        others = (candidate for candidate in self.allowed_candidates if candidate != self.candidate)
        remaining = least_alike_first(others, self.failed)
        return replace(self, remaining=remaining) if remaining else self.tolerating_failing_tests()

    def tolerating_failing_tests(self) -> Self:
        """Repeat the best round and tolerate the tests that fail in every environment."""
        if not self.failing or self.nearest_candidate is None or self.constraints.tolerated:
            return self.last_resort()
        remaining = (
            self.nearest_candidate,
            *(candidate for candidate in self.allowed_candidates if candidate != self.nearest_candidate),
        )
        constraints = replace(self.constraints, tolerated=self.failing)
        return replace(self, remaining=remaining, hint=self.nearest_hint, constraints=constraints)

    def _failing_tests(self, tried: TriedRound) -> frozenset[str]:
        """The few tests that failed after the fix, when they are no more than in the best round."""
        if tried.outcome is not RoundOutcome.AFTER_FAILED:
            return frozenset()
        failing = failing_tests(tried.message)
        return failing if not self.failing or len(failing) <= len(self.failing) else frozenset()


PlanT = TypeVar("PlanT", bound="SearchPlan[Any, Any]")


@dataclass(frozen=True)
class UnvariedRound(Generic[PlanT]):
    """What a draft gave as it was, while another user or another clock is tried with it."""

    failures: int
    """Tests that failed after the fix."""
    otherwise: PlanT
    """The plan that follows when that is no better."""


def proposals_of(
    plan: SearchPlan[CandidateT, ConstraintsT], strategy_input: StrategyInput
) -> Iterator[Proposal]:
    """Yield the drafts left after the past rounds, best first; ``plan`` is the one before any round."""
    for tried in strategy_input.past_rounds:
        if tried.strategy == RECIPE:
            plan = _plan_that_made(plan, tried, strategy_input.overrides).after_round(tried)
    while (candidate := plan.candidate) is not None:
        yield plan.proposal(candidate)
        plan = plan.next_candidate()


def _plan_that_made(
    plan: SearchPlan[CandidateT, ConstraintsT], tried: TriedRound, overrides: Overrides | None
) -> SearchPlan[CandidateT, ConstraintsT]:
    """Return the plan whose draft was tried: plans whose draft had been tried before were skipped."""
    digest, step = tried.draft.digest(), plan
    while (candidate := step.candidate) is not None:
        if with_overrides(step.proposal(candidate).draft, overrides).digest() == digest:
            return step
        step = step.next_candidate()
    return plan
