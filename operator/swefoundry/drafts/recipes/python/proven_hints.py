"""Derive the first candidate from a draft that was proven for another commit.

The draft is read, not copied: its interpreter, date, Debian packages, the distributions that no manifest names, and the
test command are combined with this commit's own manifests and date. This works for drafts of every strategy, because
all Dockerfiles use the same commands for these things.
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
from swefoundry.drafts.recipes.python.dependencies import pinned_names, requirements
from swefoundry.drafts.recipes.python.installed import DockerfileInstalls, read_dockerfile_installs
from swefoundry.drafts.recipes.python.interpreters import UNDATED, Candidate, earliest_day, version_in
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.pytest_settings import UNITTEST_COMMAND, is_recipe_command
from swefoundry.drafts.recipes.python.rebuild import has_rebuild, without_rebuild
from swefoundry.drafts.recipes.python.requirement_names import requirements_in
from swefoundry.drafts.recipes.recipe_search import SearchHint
from swefoundry.drafts.reuse import environment_name

MAX_TIME_APART = timedelta(days=730)
"""Most time between the two changes: an older environment says little, and a wrong hint costs a round."""

_BUILD_TOOLS = frozenset({"pip", "setuptools", "uv", "wheel"})


@dataclass(frozen=True, kw_only=True)
class ProvenHint(SearchHint[Candidate]):
    """The candidate nearest to the proven draft, and the constraints of that draft."""

    label: str
    """For people: `as 8.1.2 was built`."""
    constraints: Constraints
    """Constraints of the other commit; dropped with the hint, so that a wrong one affects no later draft."""
    command: Draft | None = None
    """The proven draft, when its test command was not written by the recipe and is used unchanged."""


def proven_hint(
    references: Iterable[ReuseCandidate], project: PythonProject, candidates: tuple[Candidate, ...]
) -> ProvenHint | None:
    """Return the hint of the nearest proven draft of about the same time."""
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
    installs, draft = read_dockerfile_installs(proven.draft.dockerfile), proven.draft
    created = proven.known.created_at.date() if proven.known.created_at is not None else None
    constraints = _installed_constraints(installs, project).merged(
        _pytest_option_constraints(draft.test_command)
    )
    foreign = not is_recipe_command(without_rebuild(draft.test_command)) and "{files}" in draft.test_command
    return ProvenHint(
        label=f"as {environment_name(proven.known)} was built",
        candidate=_nearest_candidate(installs, created, project, candidates),
        constraints=constraints,
        command=draft if foreign else None,
    )


def _nearest_candidate(
    installs: DockerfileInstalls,
    created: date | None,
    project: PythonProject,
    candidates: tuple[Candidate, ...],
) -> Candidate:
    """Return the candidate with the same interpreter and the most similar delay after the change."""
    same = [each for each in candidates if each.base == installs.base]
    python = version_in(installs.base or "")
    same = same or [each for each in candidates if each.python == python]
    apart = bool(project.runtime_names & _dated_as_of_change(installs))

    def distance(each: Candidate) -> tuple[bool, int, bool]:
        late = _lateness(installs.until, each, created)
        days = abs(_lateness(each.until, each, project.created) - late)
        return (each.until is None) != (installs.until is None), days, each.own_as_of_change != apart

    return min(same, key=distance) if same else candidates[0]


def _lateness(until: date | None, candidate: Candidate, created: date | None) -> int:
    """Days after the earliest resolution date; negative when everything was resolved as of the change."""
    return (
        (until - earliest_day(candidate.python, created)).days
        if until is not None and created is not None
        else 0
    )


def _dated_as_of_change(installs: DockerfileInstalls) -> frozenset[str]:
    """Return distributions that were resolved as of the change."""
    return frozenset(
        name for name, day in installs.package_dates if installs.until is None or day < installs.until
    )


def _installed_constraints(installs: DockerfileInstalls, project: PythonProject) -> Constraints:
    theirs: dict[str, Requirement] = {
        canonicalize_name(item.name): item for item in requirements_in(installs.requirements)
    }
    ours = requirements(project, NO_CONSTRAINTS)
    known: set[str] = {
        canonicalize_name(item.name) for item in requirements_in((*ours, *project.declared.build))
    }
    known |= _BUILD_TOOLS | project.local_names | {project.modules.distribution or ""}
    bare = {name for name, item in theirs.items() if not item.specifier}
    return Constraints(
        add=frozenset(str(item) for name, item in theirs.items() if name not in known and not item.marker),
        apt=installs.apt,
        as_of_change=_dated_as_of_change(installs),
        undated=frozenset(name for name, day in installs.package_dates if day == UNDATED),
        loosen=pinned_names(project.declared) & bare,
        pytest_below=_pytest_upper_bound(theirs.get("pytest")),
        on_path=bool(installs.python_path) and not installs.editable,
        python_path=frozenset(folder for folder in installs.python_path if folder),
        installer_resolves=installs.installer_resolves,
    )


def _pytest_upper_bound(pytest: Requirement | None) -> int | None:
    """Return the major release of pytest that was too new, from a bound or a pin."""
    for clause in pytest.specifier if pytest is not None else ():
        major = clause.version.split(".")[0]
        if major.isdigit() and clause.operator in ("<", "=="):
            return int(major) + (clause.operator == "==")
    return None


def _pytest_option_constraints(command: str) -> Constraints:
    """Return the constraints that a test command written by the recipe shows."""
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
