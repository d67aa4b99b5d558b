"""One step of the ladder, written down: an interpreter, a day and what was learned become a draft and its label."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from packaging.utils import canonicalize_name

from swefoundry.contracts.draft import Draft
from swefoundry.drafts.recipes.python.build_tools import installation
from swefoundry.drafts.recipes.python.constraints import Lessons
from swefoundry.drafts.recipes.python.dependencies import pinned_names, requirements
from swefoundry.drafts.recipes.python.dockerfile_text import Environment, dockerfile, installation_again
from swefoundry.drafts.recipes.python.interpreters import (
    ANY_DAY,
    BRINGS_UV,
    RELEASED,
    SHORTLY_AFTER,
    Rung,
    earliest,
)
from swefoundry.drafts.recipes.python.project import Reading
from swefoundry.drafts.recipes.python.proven_hints import Hint
from swefoundry.drafts.recipes.python.pytest_settings import REPORT, UNITTEST, command
from swefoundry.drafts.recipes.python.rebuild import has_compiler, is_compiled, rebuilding_first, watched
from swefoundry.text.plurals import counted

LATE = {"setuptools": date(2019, 2, 6), "atomicwrites": date(2022, 7, 9)}
"""Distributions that are taken undated before a day: uv builds with setuptools 40.8 or later; the releases of
atomicwrites that pytest needs were all uploaded anew."""


@dataclass(frozen=True)
class Means:
    """What every step may use besides the rung's own image."""

    tools: str
    """The base image that brings uv to interpreters that cannot install it."""
    given: frozenset[str] = frozenset()
    """Debian packages that a person adds."""


@dataclass(frozen=True)
class Step:
    """Everything that a draft is made of."""

    reading: Reading
    rung: Rung
    learned: Lessons
    means: Means
    hint: Hint | None = None

    @cached_property
    def lessons(self) -> Lessons:
        """Everything learned, here and for the hint's commit.

        Exact pins are older than an interpreter that the change did not know: there the day alone decides.
        """
        created = self.reading.created
        lessons = self.learned if self.hint is None else self.learned.merged(self.hint.lessons)
        if created is None or RELEASED.get(self.rung.python, created) <= created:
            return lessons
        return replace(lessons, loosen=lessons.loosen | pinned_names(self.reading.declared))

    @cached_property
    def environment(self) -> Environment:
        """What the Dockerfile says."""
        reading, rung, lessons = self.reading, self.rung, self.lessons
        chosen = installation(reading, rung.python, lessons)
        return Environment(
            base=rung.base,
            tools=None if rung.python >= BRINGS_UV else self.means.tools,
            apt=sorted(lessons.apt),
            installation=chosen,
            requirements=requirements(reading.facts, reading.declared, reading.config, lessons),
            until=rung.until,
            dated=_days_apart(reading, rung, lessons),
            folders=_folders(reading, lessons, chosen.editable),
            whole=lessons.whole or not reading.declared.runtime_known,
            empty_config=lessons.no_config or reading.config.refused_section,
        )

    @property
    def compiles(self) -> bool:
        """Whether parts of the project are compiled in the image."""
        packages = self.means.given | set(self.environment.apt)
        return is_compiled(self.reading) and has_compiler(self.rung.base, packages)


def draft_of(step: Step) -> Draft:
    """The step as a draft."""
    globs = watched(step.reading, step.compiles)
    again = installation_again(step.environment) if globs else None
    made: dict[str, Any] = {
        "dockerfile": dockerfile(step.environment),
        "rebuild_command": again,
        "rebuild_when": globs if again else None,
    }
    if step.hint is not None and step.hint.command is not None:
        return step.hint.command.model_copy(update=made)
    if step.lessons.plain_unittest:
        return Draft(test_command=_tests(step, UNITTEST, again), error_exit_codes=[2, 5], **made)
    written = command(step.reading.config, step.lessons)
    return Draft(test_command=_tests(step, written, again), reports=[REPORT], **made)


def _tests(step: Step, written: str, again: str | None) -> str:
    """Behind another installation, where the fix has to be compiled and that needs nothing from outside."""
    wanted = step.lessons.rebuild and step.compiles and not step.environment.installation.isolated
    return rebuilding_first(again, written) if wanted and again else written


def _days_apart(reading: Reading, rung: Rung, lessons: Lessons) -> list[tuple[str, date]]:
    """Distributions that are not resolved as of the rung's day."""
    if reading.created is None:
        return []
    day = reading.created + SHORTLY_AFTER
    if rung.until == day:
        then = dict.fromkeys(lessons.now, earliest(rung.python, reading.created))
    else:
        named = {str(canonicalize_name(name)) for name in lessons.then}
        named |= reading.runtime_names if rung.then else set()
        then = dict.fromkeys(named - lessons.now, day)
    if rung.until is not None:
        free = lessons.free | {name for name, since in LATE.items() if rung.until < since}
        then |= dict.fromkeys(free, ANY_DAY)
    return sorted(then.items())


def _folders(reading: Reading, lessons: Lessons, editable: bool) -> list[str]:
    own = () if editable else reading.import_folders
    return [folder for folder in dict.fromkeys((*own, *sorted(lessons.folders))) if folder or editable]


_SAID = {
    "features": "all extras",
    "on_path": "not installed, on PYTHONPATH",
    "rebuild": "compiled again before the tests",
    "plain_unittest": "unittest instead of pytest",
}
"""Lessons as labels name them."""


def label_of(step: Step) -> str:
    """What distinguishes the step, for people."""
    rung, lessons = step.rung, step.lessons
    words = [
        f"python {rung.python[0]}.{rung.python[1]}",
        f"as of {rung.until}" if rung.until else "newest dependencies",
    ]
    if rung.then:
        words.append("own requirements as of the change")
    if lessons.add:
        words.append("with " + ", ".join(sorted(lessons.add)[:4]))
    words += [said for name, said in _SAID.items() if getattr(lessons, name)]
    if lessons.deselect:
        words.append(f"without {counted(len(lessons.deselect), 'test')} failing after the fix")
    if step.hint is not None:
        words.append(step.hint.said)
    return ", ".join(words)
