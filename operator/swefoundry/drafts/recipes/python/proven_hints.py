"""What a draft that was proven for another commit tells about this one.

The draft is read, not copied: its interpreter, day, Debian packages, the distributions that no manifest names, and how
its tests are run become the first step of the ladder, with this commit's own manifests and date. Whoever wrote it, a
Dockerfile says these things in the same words.
"""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from swefoundry.contracts.draft import Draft
from swefoundry.drafts.proven_environment import ReuseCandidate
from swefoundry.drafts.recipes.python.constraints import NOTHING_LEARNED, Lessons
from swefoundry.drafts.recipes.python.dependencies import pinned_names, requirements, requirements_in
from swefoundry.drafts.recipes.python.installed import Installed, installed
from swefoundry.drafts.recipes.python.interpreters import ANY_DAY, Rung, earliest, version_in
from swefoundry.drafts.recipes.python.project import Reading
from swefoundry.drafts.recipes.python.pytest_settings import UNITTEST, is_ours
from swefoundry.drafts.recipes.python.rebuild import rebuilds, tests_of
from swefoundry.drafts.reuse import environment_name

SAME_TIME = timedelta(days=730)
"""Between two changes: what did for one of another time tells little, and costs a round."""

_BUILD_TOOLS = frozenset({"pip", "setuptools", "uv", "wheel"})


@dataclass(frozen=True)
class Hint:
    """The step of the ladder that is nearest to what was proven."""

    said: str
    """For people: `as 8.1.2 was built`."""
    rung: Rung
    lessons: Lessons
    """What the other commit had to learn; dropped with the hint, so that a wrong one spoils no other step."""
    command: Draft | None = None
    """The draft whose test command is taken as it is, when it is not of the recipe's kind."""


def hint_of(references: Iterable[ReuseCandidate], reading: Reading, steps: tuple[Rung, ...]) -> Hint | None:
    """What the nearest proven draft of the same time says, as a step of this ladder."""
    return next(
        (_hint(each, reading, steps) for each in references if _same_time(each, reading.created)), None
    )


def _same_time(proven: ReuseCandidate, created: date | None) -> bool:
    other = proven.known.created_at
    return created is None or other is None or abs(other.date() - created) <= SAME_TIME


def _hint(proven: ReuseCandidate, reading: Reading, steps: tuple[Rung, ...]) -> Hint:
    found, draft = installed(proven.draft.dockerfile), proven.draft
    created = proven.known.created_at.date() if proven.known.created_at is not None else None
    lessons = _needs(found, reading).merged(_manners(draft.test_command))
    foreign = not is_ours(tests_of(draft.test_command)) and "{files}" in draft.test_command
    return Hint(
        said=f"as {environment_name(proven.known)} was built",
        rung=_nearest(found, created, reading, steps),
        lessons=lessons,
        command=draft if foreign else None,
    )


def _nearest(found: Installed, created: date | None, reading: Reading, steps: tuple[Rung, ...]) -> Rung:
    """The same interpreter, and of its days the one that is as late as the other commit's was."""
    same = [rung for rung in steps if rung.base == found.base]
    python = version_in(found.base or "")
    same = same or [rung for rung in steps if rung.python == python]
    apart = bool(reading.runtime_names & _early(found))

    def distance(rung: Rung) -> tuple[bool, int, bool]:
        late = _lateness(found.until, rung, created)
        days = abs(_lateness(rung.until, rung, reading.created) - late)
        return (rung.until is None) != (found.until is None), days, rung.then != apart

    return min(same, key=distance) if same else steps[0]


def _lateness(until: date | None, rung: Rung, created: date | None) -> int:
    """Days after the first one that is worth trying; before it: as of an older change itself."""
    return (until - earliest(rung.python, created)).days if until is not None and created is not None else 0


def _early(found: Installed) -> frozenset[str]:
    """Distributions that were resolved as of the change itself."""
    return frozenset(name for name, day in found.dated if found.until is None or day < found.until)


def _needs(found: Installed, reading: Reading) -> Lessons:
    theirs: dict[str, Requirement] = {
        canonicalize_name(item.name): item for item in requirements_in(found.requirements)
    }
    ours = requirements(reading.facts, reading.declared, reading.config, NOTHING_LEARNED)
    known: set[str] = {
        canonicalize_name(item.name) for item in requirements_in((*ours, *reading.declared.build))
    }
    known |= _BUILD_TOOLS | {reading.source.own or ""}
    bare = {name for name, item in theirs.items() if not item.specifier}
    return Lessons(
        add=frozenset(str(item) for name, item in theirs.items() if name not in known and not item.marker),
        apt=found.apt,
        then=_early(found),
        free=frozenset(name for name, day in found.dated if day == ANY_DAY),
        loosen=pinned_names(reading.declared) & bare,
        pytest_below=_below(theirs.get("pytest")),
        on_path=bool(found.path) and not found.editable,
        folders=frozenset(folder for folder in found.path if folder),
        whole=found.whole,
    )


def _below(pytest: Requirement | None) -> int | None:
    """The major release that was too new, by a bound or by a pin."""
    for clause in pytest.specifier if pytest is not None else ():
        major = clause.version.split(".")[0]
        if major.isdigit() and clause.operator in ("<", "=="):
            return int(major) + (clause.operator == "==")
    return None


def _manners(command: str) -> Lessons:
    """How the recipe had learned to call pytest."""
    tests = tests_of(command)
    if not is_ours(tests):
        return NOTHING_LEARNED
    words = shlex.split(tests) if tests != UNITTEST else []
    return Lessons(
        no_addopts="addopts=" in words,
        no_config="-c" in words,
        no_warnings="filterwarnings=default" in words,
        importlib="--import-mode=importlib" in words,
        cache="no:cacheprovider" not in words and bool(words),
        django=words[:1] == ["env"],
        plain_unittest=tests == UNITTEST,
        rebuild=rebuilds(command),
    )
