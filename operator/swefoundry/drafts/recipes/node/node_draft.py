"""Turn a candidate and constraints into a draft and a label for people."""

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.commit_clock import CLOCK_PACKAGE, with_clock_of
from swefoundry.drafts.recipes.node.image_programs import program_step
from swefoundry.drafts.recipes.node.install_steps import as_of_day, install_folder, install_steps, used_lock
from swefoundry.drafts.recipes.node.node_constraints import NodeConstraints
from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.node_releases import NodeCandidate
from swefoundry.drafts.recipes.node.node_test_command import (
    NO_BUILD,
    NODE_REPORT,
    node_test_command,
    programs,
)
from swefoundry.drafts.recipes.node.package_managers import PackageManager
from swefoundry.drafts.recipes.node.runner_detection import RunnerCommand
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER


def plan_to_draft(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> Draft:
    """Return the draft of a plan. Nothing is rebuilt in a reused image: tests load the sources, or build them first."""
    command = node_test_command(project, runner, constraints)
    if constraints.dated_clock and project.created is not None:
        command = with_clock_of(project.created, command)
    return Draft(
        dockerfile=_dockerfile(project, runner, candidate, constraints),
        test_command=command,
        reports=[NODE_REPORT],
        error_exit_codes=[NO_BUILD] if constraints.build else [],
        tolerated_failures=sorted(constraints.tolerated),
        run_as_user=ORDINARY_USER if constraints.as_user else None,
    )


def _dockerfile(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> str:
    """Packages are installed above the checkout, from the manifests alone, unless a lock file is used."""
    place = install_folder(project, constraints)
    packages = constraints.apt | ({CLOCK_PACKAGE} if constraints.dated_clock else set())
    bins = [f"{_in_source(folder)}/node_modules/.bin" for folder in (project.folder, place, "")]
    steps = [
        f"FROM {candidate.base}",
        f"ENV CI=1 npm_config_update_notifier=false PATH={':'.join(dict.fromkeys(bins))}:$PATH",
        *([apt_step(sorted(packages))] if packages else []),
        f"WORKDIR {_in_source(place)}",
        *install_steps(project, runner, candidate, constraints),
        *map(program_step, programs(runner)),
        f"WORKDIR {SOURCE_ROOT}",
        "ENV npm_config_offline=true",
    ]
    return "\n".join(steps) + "\n"


def _in_source(folder: str) -> str:
    return f"{SOURCE_ROOT}/{folder}".rstrip("/")


def plan_label(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> str:
    """Return what distinguishes the draft, for people."""
    as_of = as_of_day(candidate, constraints)
    resolved = f"as of {as_of}" if as_of else "undated"
    left_out = sorted({*project.bound_elsewhere, *constraints.without})
    parts = [
        f"node {candidate.version[0]}",
        runner.name,
        _lock_label(project, constraints) or resolved,
        _listed("with", {*constraints.packages, *constraints.apt}),
        _listed("install scripts of", constraints.scripts),
        _listed("without", left_out),
        _listed("options", constraints.test_options),
        "linked under its own name" if constraints.links_itself else "",
        "only what the package itself needs" if constraints.minimal else "",
        "built before the tests" if constraints.build else "",
        "only test files that the script names" if constraints.named_files else "",
        "types unchecked" if constraints.transpile_only else "",
        *constraints.described(),
    ]
    return ", ".join(filter(None, parts))


def _lock_label(project: NodeProject, constraints: NodeConstraints) -> str:
    lock = used_lock(project, constraints)
    if lock is None:
        return ""
    by = "by its lock file" if lock.manager is PackageManager.NPM else f"by its lock file of {lock.manager}"
    return f"{by}, completed" if constraints.unfrozen else by


def _listed(word: str, names: "frozenset[str] | set[str] | list[str]") -> str:
    return f"{word} {' '.join(sorted(names))}" if names else ""
