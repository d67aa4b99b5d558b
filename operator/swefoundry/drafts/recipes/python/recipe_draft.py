"""One step of the ladder, written down: an interpreter, a day and what was learned become a draft and its label."""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

from packaging.utils import canonicalize_name

from swefoundry.contracts.draft import Draft
from swefoundry.drafts.recipes.python.build_tools import plan_installation
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.dependencies import pinned_names, requirements
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
from swefoundry.drafts.recipes.python.proven_hints import ProvenHint
from swefoundry.drafts.recipes.python.pytest_settings import REPORT_PATH, UNITTEST_COMMAND, pytest_command
from swefoundry.drafts.recipes.python.rebuild import has_compiler, is_compiled, rebuild_globs, with_rebuild
from swefoundry.text.plurals import pluralize

NOT_BEFORE = {"setuptools": date(2019, 2, 6), "atomicwrites": date(2022, 7, 9)}
"""Distributions that are taken undated before a day: uv builds with setuptools 40.8 or later; the releases of
atomicwrites that pytest needs were all uploaded anew."""


@dataclass(frozen=True)
class BuildInputs:
    """What every step may use besides the rung's own image."""

    uv_base: str
    """The base image that brings uv to interpreters that cannot install it."""
    extra_packages: frozenset[str] = frozenset()
    """Debian packages that a person adds."""


@dataclass(frozen=True)
class DraftPlan:
    """Everything that a draft is made of."""

    project: PythonProject
    candidate: Candidate
    learned_constraints: Constraints
    inputs: BuildInputs
    hint: ProvenHint | None = None

    @cached_property
    def constraints(self) -> Constraints:
        """Everything learned, here and for the hint's commit.

        Exact pins are older than an interpreter that the change did not know: there the day alone decides.
        """
        created = self.project.created
        lessons = (
            self.learned_constraints
            if self.hint is None
            else self.learned_constraints.merged(self.hint.constraints)
        )
        if created is None or RELEASE_DATES.get(self.candidate.python, created) <= created:
            return lessons
        return replace(lessons, loosen=lessons.loosen | pinned_names(self.project.declared))

    @cached_property
    def environment(self) -> PythonEnvironment:
        """What the Dockerfile says."""
        reading, rung, lessons = self.project, self.candidate, self.constraints
        chosen = plan_installation(reading, rung.python, lessons)
        return PythonEnvironment(
            base=rung.base,
            uv_base=None if rung.python >= FIRST_WITH_UV else self.inputs.uv_base,
            apt=sorted(lessons.apt),
            installation=chosen,
            requirements=requirements(reading.facts, reading.declared, reading.config, lessons),
            until=rung.until,
            package_dates=_package_dates(reading, rung, lessons),
            python_path=_python_path(reading, lessons, chosen.editable),
            installer_resolves=lessons.installer_resolves or not reading.declared.runtime_known,
            empty_config=lessons.no_config or reading.config.refused_section,
        )

    @property
    def compiles(self) -> bool:
        """Whether parts of the project are compiled in the image."""
        packages = self.inputs.extra_packages | set(self.environment.apt)
        return is_compiled(self.project) and has_compiler(self.candidate.base, packages)


def plan_to_draft(plan: DraftPlan) -> Draft:
    """The step as a draft."""
    globs = rebuild_globs(plan.project, plan.compiles)
    again = reinstall_command(plan.environment) if globs else None
    made: dict[str, Any] = {
        "dockerfile": dockerfile(plan.environment),
        "rebuild_command": again,
        "rebuild_when": globs if again else None,
    }
    if plan.hint is not None and plan.hint.command is not None:
        return plan.hint.command.model_copy(update=made)
    if plan.constraints.plain_unittest:
        return Draft(
            test_command=_test_command(plan, UNITTEST_COMMAND, again), error_exit_codes=[2, 5], **made
        )
    written = pytest_command(plan.project.config, plan.constraints)
    return Draft(test_command=_test_command(plan, written, again), reports=[REPORT_PATH], **made)


def _test_command(plan: DraftPlan, command: str, rebuild_command: str | None) -> str:
    """Behind another installation, where the fix has to be compiled and that needs nothing from outside."""
    wanted = plan.constraints.rebuild and plan.compiles and not plan.environment.installation.isolated
    return with_rebuild(rebuild_command, command) if wanted and rebuild_command else command


def _package_dates(
    project: PythonProject, candidate: Candidate, constraints: Constraints
) -> list[tuple[str, date]]:
    """Distributions that are not resolved as of the rung's day."""
    if project.created is None:
        return []
    day = project.created + GRACE_AFTER_COMMIT
    if candidate.until == day:
        then = dict.fromkeys(constraints.as_of_candidate, earliest_day(candidate.python, project.created))
    else:
        named = {str(canonicalize_name(name)) for name in constraints.as_of_change}
        named |= project.runtime_names if candidate.own_as_of_change else set()
        then = dict.fromkeys(named - constraints.as_of_candidate, day)
    if candidate.until is not None:
        free = constraints.undated | {name for name, since in NOT_BEFORE.items() if candidate.until < since}
        then |= dict.fromkeys(free, UNDATED)
    return sorted(then.items())


def _python_path(project: PythonProject, constraints: Constraints, editable: bool) -> list[str]:
    own = () if editable else project.import_folders
    return [
        folder for folder in dict.fromkeys((*own, *sorted(constraints.python_path))) if folder or editable
    ]


_LABEL_WORDS = {
    "features": "all extras",
    "on_path": "not installed, on PYTHONPATH",
    "rebuild": "compiled again before the tests",
    "plain_unittest": "unittest instead of pytest",
}
"""Lessons as labels name them."""


def plan_label(plan: DraftPlan) -> str:
    """What distinguishes the step, for people."""
    rung, lessons = plan.candidate, plan.constraints
    words = [
        f"python {rung.python[0]}.{rung.python[1]}",
        f"as of {rung.until}" if rung.until else "newest dependencies",
    ]
    if rung.own_as_of_change:
        words.append("own requirements as of the change")
    if lessons.add:
        words.append("with " + ", ".join(sorted(lessons.add)[:4]))
    words += [said for name, said in _LABEL_WORDS.items() if getattr(lessons, name)]
    if lessons.deselect:
        words.append(f"without {pluralize(len(lessons.deselect), 'test')} failing after the fix")
    if plan.hint is not None:
        words.append(plan.hint.label)
    return ", ".join(words)
