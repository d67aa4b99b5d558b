"""Choose the requirements of the dependency layer: the project's, its tests', and those that test sources show."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.recipes.python import distributions as names
from swefoundry.drafts.recipes.python.constraints import Constraints
from swefoundry.drafts.recipes.python.declared import DeclaredMetadata
from swefoundry.drafts.recipes.python.project import PythonProject
from swefoundry.drafts.recipes.python.pytest_settings import PytestConfiguration
from swefoundry.drafts.recipes.python.requirement_names import requirements_in
from swefoundry.drafts.recipes.python.well_known import is_well_known


def requirements(project: PythonProject, constraints: Constraints) -> list[str]:
    """Return requirement strings, sorted, one per distribution, without those that the tree itself has.

    Equal requirements give equal text, so layers are shared.
    """
    facts, declared, config = project.facts, project.declared, project.config
    chosen: dict[str, Requirement] = {}
    own = canonicalize_name(declared.name or "")
    for requirement in requirements_in(constraints.add):
        chosen[canonicalize_name(requirement.name)] = requirement
    for requirement in _needed_by_tests(facts, declared, config, constraints):
        _add_requirement(requirement, chosen, own)
    essential = (*declared.runtime, *constraints.add, *_from_test_sources(facts))
    needed = {canonicalize_name(item.name) for item in requirements_in(essential)}
    kept = [
        _without_bounds(requirement, name, constraints)
        for name, requirement in sorted(chosen.items())
        if name not in constraints.absent
        and (name not in constraints.drop or name in needed)
        and _may_be_asked(name, project, constraints)
    ]
    return [
        str(_pytest_bound(requirement, constraints))
        for requirement in [*kept, *_companion_requirements(chosen)]
    ]


def limits(project: PythonProject, constraints: Constraints) -> list[str]:
    """Return the constraints that the manifests name, without those that failed rounds refuted."""
    loose = constraints.loosen | constraints.absent | constraints.drop
    lines = [] if "*" in constraints.loosen else project.declared.limits[:MAX_LIMITS]
    own = project.modules.distribution
    if constraints.tools_accept_project and own is not None and project.release is not None:
        lines = (*lines, f"{own}<={project.release}")
    found = {canonicalize_name(item.name): item for item in requirements_in(lines) if item.specifier}
    return [str(item) for name, item in sorted(found.items()) if name not in loose | project.local_names]


MAX_LIMITS = 200
"""Lines of constraint files that a Dockerfile repeats."""


def _may_be_asked(name: str, project: PythonProject, constraints: Constraints) -> bool:
    """Whether a name may be asked from the package index.

    A missing module may belong to a requirement that was left out, whatever its name: then only well-known names are
    guessed.
    """
    if name in project.local_names:
        return False
    guessed = {canonicalize_name(item.name) for item in requirements_in(constraints.add)}
    declared = (*project.declared.runtime, *project.declared.test, *project.declared.dev)
    known = {canonicalize_name(item.name) for item in requirements_in(declared)}
    return not project.left_out or name not in guessed - known or is_well_known(name)


def _companion_requirements(chosen: dict[str, Requirement]) -> Iterator[Requirement]:
    """nose cannot be imported on 3.10 and later; pynose can, but was released after most resolution dates."""
    if "nose" in chosen:
        chosen["nose"].marker = Marker("python_version < '3.10'")
        yield Requirement("pynose ; python_version >= '3.10'")


def _needed_by_tests(
    facts: Facts, declared: DeclaredMetadata, config: PytestConfiguration, constraints: Constraints
) -> Iterator[Requirement]:
    imported = {module.split(".")[0] for module in facts.test_imports}
    yield from requirements_in(declared.runtime)
    for requirement in requirements_in((*(declared.test or declared.dev), *config.plugins)):
        if _useful_for_tests(requirement, imported):
            yield requirement
    if constraints.features:
        yield from requirements_in(declared.features)
    imported_names = (*_from_test_sources(facts), "pytest")
    yield from requirements_in(imported_names)


def _from_test_sources(facts: Facts) -> Iterator[str]:
    """Yield requirements that imports, fixtures and markers of the tests show."""
    own = {re.sub(r".*/", "", folder) for folder in (*facts.package_dirs, *facts.root_entries)}
    above = {str(folder) for test in facts.test_files for folder in PurePosixPath(test).parents}
    own |= {
        PurePosixPath(path).name for path in facts.python_modules if str(PurePosixPath(path).parent) in above
    }
    for module in facts.test_imports:
        top = module.split(".")[0]
        if top in names.INSTALLED_ON_IMPORT and not own & {top, f"{top}.py"}:
            yield names.distribution_of(module)
    for parameter in facts.test_parameters:
        if parameter in names.INSTALLED_ON_USE:
            yield names.DISTRIBUTION_BY_FIXTURE[parameter]
    for marker in facts.test_markers:
        yield names.DISTRIBUTION_BY_MARKER.get(marker, "")


def _add_requirement(requirement: Requirement, chosen: dict[str, Requirement], own: str) -> None:
    """Keep the first mention, unless only the new one has bounds; different markers give the bare name."""
    name = canonicalize_name(requirement.name)
    before = chosen.get(name)
    if name == own:
        return
    if before is None:
        chosen[name] = requirement
        return
    if requirement.marker != before.marker:
        before = Requirement(_requirement_text(before.name, before.extras, before.specifier))
        chosen[name] = before
    if not before.specifier and requirement.specifier:
        chosen[name] = Requirement(_requirement_text(before.name, before.extras, requirement.specifier))


def _requirement_text(name: str, extras: set[str], specifier: SpecifierSet) -> str:
    return name + (f"[{','.join(sorted(extras))}]" if extras else "") + str(specifier)


def _useful_for_tests(requirement: Requirement, imported: set[str]) -> bool:
    name = canonicalize_name(requirement.name)
    if name not in names.NOT_FOR_TESTS and not name.startswith(("types-", "sphinx", "flake8", "mkdocs")):
        return True
    return names.MODULE_BY_TOOL.get(name, name.replace("-", "_")) in imported


def pinned_names(declared: DeclaredMetadata) -> frozenset[str]:
    """Return distributions that the manifests pin exactly."""
    found = requirements_in((*declared.runtime, *declared.test, *declared.dev, *declared.limits))
    return frozenset(canonicalize_name(requirement.name) for requirement in found if _is_pinned(requirement))


def _is_pinned(requirement: Requirement) -> bool:
    return any(clause.operator in ("==", "===") for clause in requirement.specifier)


def _without_bounds(requirement: Requirement, name: str, constraints: Constraints) -> Requirement:
    """Drop the bounds where constraints say so, and exact pins of test tools always.

    They fail on other interpreters.
    """
    tool = name == "pytest" or name.startswith("pytest-")
    if name in constraints.loosen or "*" in constraints.loosen or (tool and _is_pinned(requirement)):
        return Requirement(
            _requirement_text(requirement.name, requirement.extras, SpecifierSet()) + _marker(requirement)
        )
    return requirement


def _marker(requirement: Requirement) -> str:
    return f" ; {requirement.marker}" if requirement.marker else ""


def _pytest_bound(requirement: Requirement, constraints: Constraints) -> Requirement:
    if canonicalize_name(requirement.name) != "pytest":
        return requirement
    if constraints.pytest_below is not None:
        return Requirement(f"pytest<{constraints.pytest_below}")
    if constraints.pytest_at_least is not None:
        return Requirement(f"pytest>={constraints.pytest_at_least}")
    return requirement
