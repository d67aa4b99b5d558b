"""Turn a candidate and its constraints into a draft and a label for people."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from packaging.utils import canonicalize_name

from swefoundry.contracts.draft import Draft
from swefoundry.drafts.recipes.commit_clock import CLOCK_PACKAGE, with_clock_of
from swefoundry.drafts.recipes.python.build_limits import build_limits_of
from swefoundry.drafts.recipes.python.build_tools import Installation, plan_installation
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.dependencies import limits, pinned_names, requirements
from swefoundry.drafts.recipes.python.dockerfile_text import PythonEnvironment, dockerfile, reinstall_command
from swefoundry.drafts.recipes.python.interpreters import (
    FIRST_WITH_UV,
    GRACE_AFTER_COMMIT,
    RELEASE_DATES,
    UNDATED,
    Candidate,
    earliest_day,
)
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.project_tree import TreeProject
from swefoundry.drafts.recipes.python.proven_hints import ProvenHint
from swefoundry.drafts.recipes.python.pytest_family import pytest_dates
from swefoundry.drafts.recipes.python.pytest_settings import REPORT_PATH, UNITTEST_COMMAND, pytest_command
from swefoundry.drafts.recipes.python.rebuild import has_compiler, is_compiled, rebuild_globs, with_rebuild
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER

NOT_BEFORE = {"setuptools": date(2019, 2, 6), "wheel": date(2019, 2, 6), "atomicwrites": date(2022, 7, 9)}
"""Distributions that are resolved without a date when the candidate's day is before this one.

uv builds with setuptools 40.8 or later, and with a wheel that goes with it; the
releases of atomicwrites that pytest needs were all uploaded again.
"""


@dataclass(frozen=True)
class BuildInputs:
    """What every draft may use besides the candidate's own image."""

    uv_base: str
    """The base image from which uv is copied for interpreters that cannot install it."""
    extra_packages: frozenset[str] = frozenset()
    """Debian packages that the user's overrides add."""


@dataclass(frozen=True)
class DraftPlan:
    """Everything that determines one draft."""

    project: PythonProject
    candidate: Candidate
    learned_constraints: Constraints
    inputs: BuildInputs
    hint: ProvenHint | None = None

    @cached_property
    def constraints(self) -> Constraints:
        """All constraints, those of the hint's commit included.

        On an interpreter released after the change, exact pins do not build: there the day alone decides.
        """
        created = self.project.created
        constraints = (
            self.learned_constraints
            if self.hint is None
            else self.learned_constraints.merged(self.hint.constraints)
        )
        if created is None or RELEASE_DATES.get(self.candidate.python, created) <= created:
            return constraints
        return replace(constraints, loosen=constraints.loosen | pinned_names(self.project.declared))

    @cached_property
    def environment(self) -> PythonEnvironment:
        """The content of the Dockerfile."""
        project, candidate, constraints = self.project, self.candidate, self.constraints
        parts = {part.folder: self._installation(part) for part in (project.own, *project.needed)}
        chosen = parts[project.own.folder]
        return PythonEnvironment(
            base=candidate.base,
            uv_base=None if candidate.python >= FIRST_WITH_UV else self.inputs.uv_base,
            apt=sorted(constraints.apt | ({CLOCK_PACKAGE} if constraints.dated_clock else set())),
            installation=chosen,
            requirements=requirements(project, constraints),
            until=candidate.until,
            package_dates=_package_dates(project, candidate, constraints),
            python_path=_python_path(project, constraints, parts),
            installer_resolves=constraints.installer_resolves or not project.declared.runtime_known,
            empty_config=constraints.no_config or project.config.refused_section,
            folder=project.own.folder,
            needed=[(part.folder, parts[part.folder]) for part in project.needed],
            limits=limits(project, constraints),
            build_limits=_build_limits(project, candidate, constraints),
            never_asked=sorted(project.excluded),
            left_out=[str(name) for name in project.left_out],
        )

    def _installation(self, part: TreeProject) -> Installation:
        """The project's version is that of the row; other projects of the tree have their own."""
        version = self.project.facts.version_tag
        version = (version or self.project.version) if part is self.project.own else version
        return plan_installation(part, self.candidate.python, self.constraints, version)

    @property
    def compiles(self) -> bool:
        """Whether parts of the project are compiled in the image."""
        packages = self.inputs.extra_packages | set(self.environment.apt)
        return is_compiled(self.project) and has_compiler(self.candidate.base, packages)


def plan_to_draft(plan: DraftPlan) -> Draft:
    """Return the draft of a plan."""
    draft, created = _draft_with_any_clock(plan), plan.project.created
    if not plan.constraints.dated_clock or created is None:
        return draft
    return draft.model_copy(update={"test_command": with_clock_of(created, draft.test_command)})


def _draft_with_any_clock(plan: DraftPlan) -> Draft:
    globs = rebuild_globs(plan.project, plan.compiles)
    rebuild_command = reinstall_command(plan.environment) if globs else None
    rebuild_fields: dict[str, Any] = {
        "dockerfile": dockerfile(plan.environment),
        "rebuild_command": rebuild_command,
        "rebuild_when": globs if rebuild_command else None,
        "tolerated_failures": sorted(plan.constraints.tolerated),
        "run_as_user": ORDINARY_USER if plan.constraints.as_user else None,
    }
    if plan.hint is not None and plan.hint.command is not None:
        return plan.hint.command.model_copy(update=rebuild_fields)
    if plan.constraints.plain_unittest:
        return Draft(
            test_command=_test_command(plan, UNITTEST_COMMAND, rebuild_command),
            error_exit_codes=[2, 5],
            **rebuild_fields,
        )
    command = pytest_command(plan.project.config, plan.constraints)
    return Draft(
        test_command=_test_command(plan, command, rebuild_command), reports=[REPORT_PATH], **rebuild_fields
    )


def _test_command(plan: DraftPlan, command: str, rebuild_command: str | None) -> str:
    """Prepend a rebuild where the fix has to be compiled and the rebuild needs no network."""
    rebuilds = plan.constraints.rebuild and plan.compiles and not plan.environment.installation.isolated
    return with_rebuild(rebuild_command, command) if rebuilds and rebuild_command else command


def _package_dates(
    project: PythonProject, candidate: Candidate, constraints: Constraints
) -> list[tuple[str, date]]:
    """Distributions that are resolved as of another day than the candidate's."""
    if project.created is None:
        return []
    day = project.created + GRACE_AFTER_COMMIT
    if candidate.until == day:
        days = dict.fromkeys(constraints.as_of_candidate, earliest_day(candidate.python, project.created))
    else:
        named = {str(canonicalize_name(name)) for name in constraints.as_of_change}
        named |= project.runtime_names if candidate.own_as_of_change else set()
        days = dict.fromkeys(named - constraints.as_of_candidate, day)
    days = pytest_dates(candidate.until, candidate.python) | days
    if candidate.until is not None:
        free = constraints.undated | {name for name, since in NOT_BEFORE.items() if candidate.until < since}
        days |= dict.fromkeys(free, UNDATED)
    return sorted(days.items())


def _build_limits(project: PythonProject, candidate: Candidate, constraints: Constraints) -> list[str]:
    """Constraints found so far, and those of the time when distributions of the time are resolved with later ones.

    When everything is resolved as of one day, the build tools are, too; before setuptools may be dated they are not.
    """
    by_date: frozenset[str] = frozenset()
    if project.created is not None and candidate.until is not None:
        tools_are_dated = candidate.until >= NOT_BEFORE["setuptools"]
        if candidate.own_as_of_change or constraints.as_of_change or not tools_are_dated:
            by_date = build_limits_of(project.created, candidate.python)
    limits_found = constraints.build_limits | by_date
    return sorted(item for item in limits_found if item.partition("<")[0] not in constraints.loosen)


def _python_path(
    project: PythonProject, constraints: Constraints, parts: Mapping[str, Installation]
) -> list[str]:
    """Return folders of what is not installed, and a nested project's own, as if its tests were started there."""
    editable = parts[project.own.folder].editable
    own = () if editable else project.import_folders
    more = [
        folder
        for part in project.needed
        if not parts[part.folder].editable
        for folder in project.folders_of(part)
    ]
    nested = [project.own.folder] if project.own.folder else []
    folders = dict.fromkeys((*own, *nested, *more, *project.loose_folders, *sorted(constraints.python_path)))
    return [folder for folder in folders if folder or editable]


_LABEL_WORDS = {
    "features": "all extras",
    "on_path": "not installed, on PYTHONPATH",
    "rebuild": "compiled again before the tests",
    "plain_unittest": "unittest instead of pytest",
}
"""Constraints of this language, as labels name them."""


def plan_label(plan: DraftPlan) -> str:
    """Return what distinguishes the draft, for people."""
    candidate, constraints = plan.candidate, plan.constraints
    words = [
        f"python {candidate.python[0]}.{candidate.python[1]}",
        f"as of {candidate.until}" if candidate.until else "newest dependencies",
    ]
    if candidate.own_as_of_change:
        words.append("own requirements as of the change")
    if constraints.add:
        words.append("with " + ", ".join(sorted(constraints.add)[:4]))
    words += [phrase for name, phrase in _LABEL_WORDS.items() if getattr(constraints, name)]
    words += constraints.described()
    if plan.hint is not None:
        words.append(plan.hint.label)
    words += _left_out_words(plan.project)
    return ", ".join(words)[:MAX_LABEL]


MAX_LABEL = 200
"""Length of a round's label in the status of an EnvBuild."""


def _left_out_words(project: PythonProject) -> list[str]:
    names = [str(name) for name in project.left_out]
    if not names:
        return []
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return [f"without {', '.join(names[:3])}{more}"]
