"""The Python recipe: facts and past rounds -> drafts, best first.

The ladder has two kinds of step. A failed round that taught something is followed by the same interpreter and day with
the lesson applied; one that taught nothing by the next rung. Past rounds are replayed from their outcomes and telling
lines, so the recipe needs no memory of its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

from packaging.utils import canonicalize_name

from swefoundry.domain.drafts import Draft
from swefoundry.domain.rounds import Ask, Proposal, RoundOutcome, Tried
from swefoundry.strategies.recipes import python_build_log, python_test_log
from swefoundry.strategies.recipes.python_build_tools import installation
from swefoundry.strategies.recipes.python_dependencies import requirements
from swefoundry.strategies.recipes.python_dockerfile import Environment, dockerfile
from swefoundry.strategies.recipes.python_interpreters import SHORTLY_AFTER, Rung, rungs, usable_bases
from swefoundry.strategies.recipes.python_lessons import NOTHING_LEARNED, Lessons
from swefoundry.strategies.recipes.python_pytest import REPORT, command
from swefoundry.strategies.recipes.python_reading import Reading

NAME = "recipe"

_TEST_OUTCOMES = frozenset({RoundOutcome.NO_RESULT, RoundOutcome.AFTER_FAILED, RoundOutcome.NOT_RUNNABLE})


@dataclass(frozen=True)
class Ladder:
    """Where the recipe stands: the rungs not left yet (the current one first) and what was learned."""

    reading: Reading
    rest: tuple[Rung, ...]
    lessons: Lessons = NOTHING_LEARNED
    failing: frozenset[str] = frozenset()
    """Tests that failed after the fix in the round that came nearest."""
    nearest: Rung | None = None
    ended: bool = False

    @cached_property
    def rung(self) -> Rung | None:
        """The current rung; None when the ladder is at its end."""
        return None if self.ended else next(iter(self.allowed), None)

    @cached_property
    def allowed(self) -> tuple[Rung, ...]:
        """Rungs that the lessons still allow; when they allow none, all: a wrong lesson must not end the ladder."""
        return tuple(rung for rung in self.rest if self.lessons.allows(rung.python)) or self.rest

    def after(self, tried: Tried) -> "Ladder":
        """The next step, given how the current one ended."""
        learned = self.lessons.merged(self._lessons_of(tried))
        noted = self._noting(tried)
        if learned != self.lessons:
            return replace(noted, lessons=learned)
        return noted.skipped()

    def skipped(self) -> "Ladder":
        """The next rung; behind the last one, the nearest round without the tests that no environment satisfies."""
        rest = tuple(rung for rung in self.allowed if rung != self.rung)
        if rest:
            return replace(self, rest=rest)
        if self.failing and self.nearest is not None and not self.lessons.deselect:
            return replace(self, rest=(self.nearest,), lessons=replace(self.lessons, deselect=self.failing))
        return replace(self, ended=True)

    def _noting(self, tried: Tried) -> "Ladder":
        failing = python_test_log.failing_tests(tried.message)
        if (
            tried.outcome is RoundOutcome.AFTER_FAILED
            and failing
            and len(failing) < (len(self.failing) or 11)
        ):
            return replace(self, failing=failing, nearest=self.rung)
        return self

    def _lessons_of(self, tried: Tried) -> Lessons:
        if tried.outcome is RoundOutcome.STEP_FAILED:
            return python_build_log.lessons(tried.message)
        if tried.outcome in _TEST_OUTCOMES:
            return python_test_log.lessons(tried.message, self.reading.source)
        return Lessons()


def proposals(ask: Ask) -> Iterator[Proposal]:
    """What is left of the ladder after the rounds so far; the first is the best."""
    ladder = start(ask)
    for tried in ask.tried:
        if tried.strategy == NAME:
            ladder = ladder.after(tried)
    while (rung := ladder.rung) is not None:
        yield proposal(ladder.reading, rung, ladder.lessons)
        ladder = ladder.skipped()


def start(ask: Ask) -> Ladder:
    """The foot of the ladder."""
    reading = Reading.of(ask)
    images = ask.base_images.get("python", [])
    if ask.overrides is not None and ask.overrides.base_image is not None:
        images = [ask.overrides.base_image]
    bases = usable_bases(images, reading.declared.requires_python)
    return Ladder(reading, tuple(rungs(bases, reading.created, reading.declared.pythons)))


def proposal(reading: Reading, rung: Rung, lessons: Lessons) -> Proposal:
    """One rung with the lessons applied, as a draft."""
    chosen = installation(reading.facts, reading.declared, lessons, reading.version)
    empty_config = lessons.no_config or reading.config.refused_section
    then = _day_of_the_change(reading, rung, lessons)
    environment = Environment(
        base=rung.base,
        apt=sorted(lessons.apt),
        installation=chosen,
        requirements=requirements(reading.facts, reading.declared, reading.config, lessons),
        until=rung.until,
        dated=then,
        folders=_folders(reading, lessons, chosen.editable),
        whole=lessons.whole or not reading.declared.runtime_known,
        empty_config=empty_config,
    )
    draft = Draft(
        dockerfile=dockerfile(environment), test_command=command(reading.config, lessons), reports=[REPORT]
    )
    return Proposal(strategy=NAME, label=_label(rung, lessons), draft=draft)


def _day_of_the_change(reading: Reading, rung: Rung, lessons: Lessons) -> list[tuple[str, date]]:
    if reading.created is None:
        return []
    day = reading.created + SHORTLY_AFTER
    return [(canonicalize_name(name), day) for name in sorted(lessons.then)] if rung.until != day else []


def _folders(reading: Reading, lessons: Lessons, editable: bool) -> list[str]:
    own = () if editable else reading.import_folders
    return [folder for folder in dict.fromkeys((*own, *sorted(lessons.folders))) if folder or editable]


def _label(rung: Rung, lessons: Lessons) -> str:
    words = [
        f"python {rung.python[0]}.{rung.python[1]}",
        f"as of {rung.until}" if rung.until else "newest dependencies",
    ]
    if lessons.add:
        words.append("with " + ", ".join(sorted(lessons.add)[:4]))
    if lessons.on_path:
        words.append("not installed, on PYTHONPATH")
    if lessons.deselect:
        words.append(f"without {len(lessons.deselect)} tests that fail after the fix")
    return ", ".join(words)
