"""What a draft that was proven for another commit tells about this one.

The draft is read, not copied: its interpreter, day, Debian packages, the distributions that no manifest names, and how
its tests are run become the first step of the ladder, with this commit's own manifests and date. Whoever wrote it, a
Dockerfile says these things in the same words.
"""

import shlex
from dataclasses import dataclass
from datetime import date

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from swefoundry.domain.drafts import Draft
from swefoundry.domain.memory import Neighbour
from swefoundry.strategies.recipes.python_dependencies import pinned_names, requirements, requirements_in
from swefoundry.strategies.recipes.python_installed import Installed, installed
from swefoundry.strategies.recipes.python_interpreters import ANY_DAY, Rung, version_in
from swefoundry.strategies.recipes.python_lessons import NOTHING_LEARNED, Lessons
from swefoundry.strategies.recipes.python_pytest import UNITTEST, is_ours
from swefoundry.strategies.recipes.python_reading import Reading
from swefoundry.strategies.recipes.python_rebuild import rebuilds, tests_of
from swefoundry.strategies.reuse import name_of

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


def hint_of(proven: Neighbour, reading: Reading, steps: tuple[Rung, ...]) -> Hint:
    """What the proven draft says, as a step of this ladder."""
    found, draft = installed(proven.draft.dockerfile), proven.draft
    created = proven.known.created_at
    lag = (found.until - created.date()).days if found.until and created else None
    lessons = _needs(found, reading).merged(_manners(draft.test_command))
    foreign = not is_ours(tests_of(draft.test_command)) and "{files}" in draft.test_command
    return Hint(
        said=f"as {name_of(proven.known)} was built",
        rung=_nearest(found, lag, reading, steps),
        lessons=lessons,
        command=draft if foreign else None,
    )


def _nearest(found: Installed, lag: int | None, reading: Reading, steps: tuple[Rung, ...]) -> Rung:
    """The same interpreter; of its days the one that is as far from the change, or from the other commit's day."""
    same = [rung for rung in steps if rung.base == found.base]
    python = version_in(found.base or "")
    same = same or [rung for rung in steps if rung.python == python]
    apart = bool(reading.runtime_names & _early(found))

    def distance(rung: Rung) -> tuple[bool, int, bool]:
        far = _days_between(rung.until, found.until)
        if lag is not None and rung.until is not None and reading.created is not None:
            far = min(far, abs((rung.until - reading.created).days - lag))
        return (rung.until is None) != (found.until is None), far, rung.then != apart

    return min(same, key=distance) if same else steps[0]


def _days_between(one: date | None, other: date | None) -> int:
    return abs((one - other).days) if one is not None and other is not None else 0


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
        add=frozenset(str(item) for name, item in theirs.items() if name not in known),
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
