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
from swefoundry.drafts.recipes.python.constraints import NO_CONSTRAINTS, Constraints
from swefoundry.drafts.recipes.python.dependencies import pinned_names, requirements, requirements_in
from swefoundry.drafts.recipes.python.installed import DockerfileInstalls, read_dockerfile_installs
from swefoundry.drafts.recipes.python.interpreters import UNDATED, Candidate, earliest_day, version_in
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.pytest_settings import UNITTEST_COMMAND, is_recipe_command
from swefoundry.drafts.recipes.python.rebuild import has_rebuild, without_rebuild
from swefoundry.drafts.reuse import environment_name

MAX_TIME_APART = timedelta(days=730)
"""Between two changes: what did for one of another time tells little, and costs a round."""

_BUILD_TOOLS = frozenset({"pip", "setuptools", "uv", "wheel"})


@dataclass(frozen=True)
class ProvenHint:
    """The step of the ladder that is nearest to what was proven."""

    label: str
    """For people: `as 8.1.2 was built`."""
    candidate: Candidate
    constraints: Constraints
    """What the other commit had to learn; dropped with the hint, so that a wrong one spoils no other step."""
    command: Draft | None = None
    """The draft whose test command is taken as it is, when it is not of the recipe's kind."""


def proven_hint(
    references: Iterable[ReuseCandidate], project: PythonProject, candidates: tuple[Candidate, ...]
) -> ProvenHint | None:
    """What the nearest proven draft of the same time says, as a step of this ladder."""
    return next(
        (_hint_from(each, project, candidates) for each in references if _same_time(each, project.created)),
        None,
    )


def _same_time(proven: ReuseCandidate, created: date | None) -> bool:
    other = proven.known.created_at
    return created is None or other is None or abs(other.date() - created) <= MAX_TIME_APART


def _hint_from(
    proven: ReuseCandidate, project: PythonProject, candidates: tuple[Candidate, ...]
) -> ProvenHint:
    found, draft = read_dockerfile_installs(proven.draft.dockerfile), proven.draft
    created = proven.known.created_at.date() if proven.known.created_at is not None else None
    lessons = _installed_constraints(found, project).merged(_pytest_option_constraints(draft.test_command))
    foreign = not is_recipe_command(without_rebuild(draft.test_command)) and "{files}" in draft.test_command
    return ProvenHint(
        label=f"as {environment_name(proven.known)} was built",
        candidate=_nearest_candidate(found, created, project, candidates),
        constraints=lessons,
        command=draft if foreign else None,
    )


def _nearest_candidate(
    found: DockerfileInstalls, created: date | None, project: PythonProject, candidates: tuple[Candidate, ...]
) -> Candidate:
    """The same interpreter, and of its days the one that is as late as the other commit's was."""
    same = [rung for rung in candidates if rung.base == found.base]
    python = version_in(found.base or "")
    same = same or [rung for rung in candidates if rung.python == python]
    apart = bool(project.runtime_names & _dated_as_of_change(found))

    def distance(rung: Candidate) -> tuple[bool, int, bool]:
        late = _lateness(found.until, rung, created)
        days = abs(_lateness(rung.until, rung, project.created) - late)
        return (rung.until is None) != (found.until is None), days, rung.own_as_of_change != apart

    return min(same, key=distance) if same else candidates[0]


def _lateness(until: date | None, candidate: Candidate, created: date | None) -> int:
    """Days after the first one that is worth trying; before it: as of an older change itself."""
    return (
        (until - earliest_day(candidate.python, created)).days
        if until is not None and created is not None
        else 0
    )


def _dated_as_of_change(found: DockerfileInstalls) -> frozenset[str]:
    """Distributions that were resolved as of the change itself."""
    return frozenset(name for name, day in found.package_dates if found.until is None or day < found.until)


def _installed_constraints(found: DockerfileInstalls, project: PythonProject) -> Constraints:
    theirs: dict[str, Requirement] = {
        canonicalize_name(item.name): item for item in requirements_in(found.requirements)
    }
    ours = requirements(project.facts, project.declared, project.config, NO_CONSTRAINTS)
    known: set[str] = {
        canonicalize_name(item.name) for item in requirements_in((*ours, *project.declared.build))
    }
    known |= _BUILD_TOOLS | {project.modules.distribution or ""}
    bare = {name for name, item in theirs.items() if not item.specifier}
    return Constraints(
        add=frozenset(str(item) for name, item in theirs.items() if name not in known and not item.marker),
        apt=found.apt,
        as_of_change=_dated_as_of_change(found),
        undated=frozenset(name for name, day in found.package_dates if day == UNDATED),
        loosen=pinned_names(project.declared) & bare,
        pytest_below=_pytest_upper_bound(theirs.get("pytest")),
        on_path=bool(found.python_path) and not found.editable,
        python_path=frozenset(folder for folder in found.python_path if folder),
        installer_resolves=found.installer_resolves,
    )


def _pytest_upper_bound(pytest: Requirement | None) -> int | None:
    """The major release that was too new, by a bound or by a pin."""
    for clause in pytest.specifier if pytest is not None else ():
        major = clause.version.split(".")[0]
        if major.isdigit() and clause.operator in ("<", "=="):
            return int(major) + (clause.operator == "==")
    return None


def _pytest_option_constraints(command: str) -> Constraints:
    """How the recipe had learned to call pytest."""
    tests = without_rebuild(command)
    if not is_recipe_command(tests):
        return NO_CONSTRAINTS
    words = shlex.split(tests) if tests != UNITTEST_COMMAND else []
    return Constraints(
        no_addopts="addopts=" in words,
        no_config="-c" in words,
        no_warnings="filterwarnings=default" in words,
        importlib="--import-mode=importlib" in words,
        cache="no:cacheprovider" not in words and bool(words),
        django_settings=words[:1] == ["env"],
        plain_unittest=tests == UNITTEST_COMMAND,
        rebuild=has_rebuild(command),
    )
