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
from swefoundry.drafts.recipes.python.constraints import NOTHING_LEARNED, Lessons
from swefoundry.drafts.recipes.python.interpreters import Rung, Times, rungs, usable_bases
from swefoundry.drafts.recipes.python.project import Reading
from swefoundry.drafts.recipes.python.proven_hints import Hint, hint_of
from swefoundry.drafts.recipes.python.recipe_draft import Means, Step, draft_of, label_of

NAME = "recipe"

PYTEST_NEEDS = frozenset(
    {"attrs", "pluggy", "iniconfig", "packaging", "py", "more-itertools", "atomicwrites", "tomli"}
)
"""What pytest itself imports: when one of these is the project, a later pytest meets an older one than it needs."""

PATIENCE = 2
"""Rounds that may come no nearer than one with a few failing tests, before these are left out."""

_TEST_OUTCOMES = frozenset({RoundOutcome.NO_RESULT, RoundOutcome.AFTER_FAILED, RoundOutcome.NOT_RUNNABLE})


@dataclass(frozen=True)
class Ladder:
    """Where the recipe stands: the rungs not left yet (the current one first) and what was learned."""

    reading: Reading
    first: Rung
    rest: tuple[Rung, ...]
    means: Means
    lessons: Lessons = NOTHING_LEARNED
    hint: Hint | None = None
    """What is tried before the rungs: as the nearest commit of the repository was built."""
    failing: frozenset[str] = frozenset()
    """The few tests that failed after the fix in the round that came nearest."""
    nearest: Rung | None = None
    nearest_hint: Hint | None = None
    since: int = 0
    """Rounds after that one, none of which came nearer."""
    ended: bool = False

    @cached_property
    def rung(self) -> Rung | None:
        """The current rung; None when the ladder is at its end."""
        if self.ended:
            return None
        return self.hint.rung if self.hint is not None else next(iter(self.allowed), None)

    @cached_property
    def allowed(self) -> tuple[Rung, ...]:
        """Rungs that the lessons still allow; when they allow none, all: a wrong lesson must not end the ladder."""
        return tuple(rung for rung in self.rest if self.lessons.allows(rung.python)) or self.rest

    def after(self, tried: TriedRound) -> "Ladder":
        """The next step, given how the current one ended."""
        learned = self.lessons.merged(self._lessons_of(tried))
        failing = self._failing_in(tried)
        again = bool(failing) and failing == self.failing
        noted = self if again or not failing else self._noted(failing)
        noted = noted if failing else replace(noted, since=noted.since + 1)
        if noted.failing and (again or noted.since >= PATIENCE):
            return noted.left_out()
        if learned == self.lessons and tried.outcome in _TEST_OUTCOMES:
            learned = self._supposed
        return noted._taught(learned) if learned != self.lessons else noted.skipped()

    @property
    def _supposed(self) -> Lessons:
        """What is worth trying when tests fail without a word that a rule knows."""
        again = replace(self, lessons=replace(self.lessons, rebuild=True))
        if self.rung and proposal(again, self.rung).draft != proposal(self, self.rung).draft:
            return again.lessons
        return replace(self.lessons, features=bool(self.reading.declared.features))

    def _noted(self, failing: frozenset[str]) -> "Ladder":
        return replace(self, failing=failing, nearest=self.rung, nearest_hint=self.hint, since=0)

    def _taught(self, lessons: Lessons) -> "Ladder":
        """The same step with more lessons; a hint moves to another rung when they forbid its own."""
        taught = replace(self, lessons=lessons)
        if self.hint is None or lessons.allows(self.hint.rung.python):
            return taught
        return replace(taught, hint=replace(self.hint, rung=taught.allowed[0]))

    def skipped(self) -> "Ladder":
        """The next rung; behind the last one, the nearest round without the tests that no environment satisfies."""
        if self.hint is not None:
            return replace(self, hint=None)
        rest = tuple(rung for rung in self.allowed if rung != self.rung)
        return replace(self, rest=rest) if rest else self.left_out()

    def left_out(self) -> "Ladder":
        """The nearest round again without the tests that fail whatever the environment."""
        if not self.failing or self.nearest is None or self.lessons.deselect:
            return self.without_pytest()
        rest = (self.nearest, *(rung for rung in self.allowed if rung != self.nearest))
        lessons = replace(self.lessons, deselect=self.failing)
        return replace(self, rest=rest, hint=self.nearest_hint, lessons=lessons)

    def without_pytest(self) -> "Ladder":
        """The last resort for tests in unittest's style: the first rung with the standard library's runner."""
        imported = self.reading.facts.test_imports
        if "unittest" not in imported or "pytest" in imported or self.lessons.plain_unittest:
            return replace(self, ended=True)
        return replace(
            self, rest=(self.first,), hint=None, lessons=replace(self.lessons, plain_unittest=True)
        )

    def _failing_in(self, tried: TriedRound) -> frozenset[str]:
        """The few tests that failed after the fix, when they are no more than in the round that came nearest."""
        if tried.outcome is not RoundOutcome.AFTER_FAILED:
            return frozenset()
        failing = pytest_log.failing_tests(tried.message)
        return failing if not self.failing or len(failing) <= len(self.failing) else frozenset()

    def _lessons_of(self, tried: TriedRound) -> Lessons:
        if tried.outcome is RoundOutcome.STEP_FAILED:
            return build_log.lessons(tried.message, self.lessons)
        if tried.outcome in _TEST_OUTCOMES:
            return pytest_log.lessons(tried.message, self.reading.source)
        return NOTHING_LEARNED


def proposals(ask: StrategyInput) -> Iterator[Proposal]:
    """What is left of the ladder after the rounds so far; the first is the best."""
    ladder = start(ask)
    for tried in ask.tried:
        if tried.strategy == NAME:
            ladder = _at(ladder, tried, ask.overrides).after(tried)
    while (rung := ladder.rung) is not None:
        yield proposal(ladder, rung)
        ladder = ladder.skipped()


def _at(ladder: Ladder, tried: TriedRound, overrides: Overrides | None) -> Ladder:
    """The step that made this draft: steps whose draft had been tried before were passed over."""
    digest, step = tried.draft.digest(), ladder
    while (rung := step.rung) is not None:
        if with_overrides(proposal(step, rung).draft, overrides).digest() == digest:
            return step
        step = step.skipped()
    return ladder


def start(ask: StrategyInput) -> Ladder:
    """The foot of the ladder."""
    reading = Reading.of(ask)
    images = ask.base_images.get("python", [])
    if ask.overrides is not None and ask.overrides.base_image is not None:
        images = [ask.overrides.base_image]
    bases = usable_bases(images, reading.declared.requires_python)
    times = Times(
        created=reading.created,
        named=reading.declared.pythons,
        requires=bool(reading.runtime_names),
        carries_pytest=reading.source.own in PYTEST_NEEDS,
    )
    known = usable_bases([*images, *ask.base_images.get("python", [])], None)
    tools = max(known, key=lambda base: base[1])[0]
    steps = tuple(rungs(bases, times))
    hint = hint_of(ask.references, reading, steps)
    given = frozenset(ask.overrides.apt_packages) if ask.overrides is not None else frozenset()
    return Ladder(reading, steps[0], steps, Means(tools, given), hint=hint)


def proposal(ladder: Ladder, rung: Rung) -> Proposal:
    """One rung with everything learned, as a draft."""
    step = Step(ladder.reading, rung, ladder.lessons, ladder.means, ladder.hint)
    return Proposal(strategy=NAME, label=label_of(step), draft=draft_of(step))
