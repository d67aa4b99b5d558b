"""Dockerfile steps that install what a package and its tests need: by its lock file, or from the manifests."""

import json
import shlex
from collections.abc import Iterable, Mapping

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.drafts.recipes.node.image_programs import OWN_COPIES, program_step
from swefoundry.drafts.recipes.node.loaders import loader_packages
from swefoundry.drafts.recipes.node.node_constraints import NodeConstraints
from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.node_releases import NodeCandidate
from swefoundry.drafts.recipes.node.package_managers import (
    TEMPORARY,
    LockFile,
    PackageManager,
    lock_command,
    manager_step,
)
from swefoundry.drafts.recipes.node.package_manifest import is_package_name
from swefoundry.drafts.recipes.node.runner_detection import RunnerCommand

_INSTALL = (
    "npm install --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund --fetch-retries=1"
    f" --cache={TEMPORARY}"
)
"""Without retries for minutes: a repository that is gone does not come back."""
_CLEAN = f"rm -rf {TEMPORARY}"
_HEADERS = "npm_config_nodedir=/usr/local"
"""Those that the image has: a build would download them from elsewhere than the registry."""
_CHECKOUT = f"COPY . {SOURCE_ROOT}"


def used_lock(project: NodeProject, constraints: NodeConstraints) -> LockFile | None:
    """The lock file by which packages are installed."""
    return None if constraints.ignore_lock else project.lock


def install_folder(project: NodeProject, constraints: NodeConstraints) -> str:
    """The folder whose node_modules have the packages; members of a workspace share those of the root."""
    lock = used_lock(project, constraints)
    if lock is not None:
        return lock.folder
    return "" if project.members else project.folder


def install_steps(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> list[str]:
    """Return the steps; without a lock file, packages are installed above the checkout."""
    lock = used_lock(project, constraints)
    steps = (
        _steps_by_lock(lock, project, candidate, constraints)
        if lock is not None
        else _steps_by_manifests(project, runner, candidate, constraints)
    )
    return [
        *steps,
        *_link_steps(project, constraints),
        *(f"RUN {_HEADERS} {_rebuilder(lock)} rebuild {name}" for name in sorted(constraints.scripts)),
    ]


def _steps_by_lock(
    lock: LockFile, project: NodeProject, candidate: NodeCandidate, constraints: NodeConstraints
) -> list[str]:
    """What the lock file lacks goes to the root for yarn and pnpm, whose own trees npm would rearrange.

    The releases of a lock file are of before the fix, also those of the package itself.
    """
    extra = {**project.added_by_fix, **_requested(project, constraints)}
    place = "" if lock.manager is PackageManager.NPM else " --prefix /"
    return [
        *manager_step(lock, candidate.version),
        _CHECKOUT,
        f"RUN {lock_command(lock, not constraints.unfrozen, constraints.legacy_peers)}",
        *([f"RUN {_INSTALL}{place} --no-save {_quoted_packages(extra)} && {_CLEAN}"] if extra else []),
    ]


def _steps_by_manifests(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> list[str]:
    as_of = as_of_day(candidate, constraints)
    before = f" --before={as_of}" if as_of else ""
    manifest = json.dumps({"private": True, "dependencies": _installed(project, runner, constraints)})
    # One package a line, so that a reader sees what differs; the Dockerfile joins the lines.
    lines = shlex.quote(manifest).replace(", ", ", \\\n  ")
    install = f"RUN printf %s {lines} > package.json \\\n && {_INSTALL}{before} && {_CLEAN}"
    own = _own_packages(project)
    if not own:
        return [install, _CHECKOUT]
    return [program_step(OWN_COPIES), f"{install} \\\n && node {OWN_COPIES} {' '.join(own)}", _CHECKOUT]


def _own_packages(project: NodeProject) -> list[str]:
    """Name, version and folder of each package of the source that a tool may bring from the registry, for the program.

    In the step that installs: whoever pulls the image can read a copy that a later layer deletes.
    """
    members = [(folder, project.workspace.members[folder]) for folder in project.members]
    return [
        word
        for folder, manifest in [(project.folder, project.manifest), *members]
        if is_package_name(manifest.name)
        for word in (manifest.name, shlex.quote(manifest.version), _in_source(folder))
    ]


def as_of_day(candidate: NodeCandidate, constraints: NodeConstraints) -> str:
    """The day as of which packages are resolved; empty for today."""
    return "" if constraints.undated or candidate.as_of is None else candidate.as_of.isoformat()


def _installed(project: NodeProject, runner: RunnerCommand, constraints: NodeConstraints) -> dict[str, str]:
    """Return the packages to install, with their ranges."""
    own = {runner.name: project.declared[runner.name]} if runner.name in project.declared else {}
    needed = project.needed
    if constraints.minimal:
        kept = {*project.runtime, *loader_packages(runner.options)}
        needed = {name: version_range for name, version_range in needed.items() if name in kept}
    chosen = needed | own | _requested(project, constraints)
    return {name: chosen[name] for name in sorted(chosen) if name not in constraints.without}


def _requested(project: NodeProject, constraints: NodeConstraints) -> dict[str, str]:
    """Packages that a log missed."""
    return {name: project.declared.get(name, "*") for name in constraints.packages}


def _link_steps(project: NodeProject, constraints: NodeConstraints) -> list[str]:
    """What the tree has is never taken from the registry: what is there may have the fix.

    Package managers link the members of a workspace by themselves.
    """
    by_manager = used_lock(project, constraints) is not None
    members = [] if by_manager else project.members
    links = {project.workspace.members[folder].name: folder for folder in members}
    if constraints.links_itself or project.needs_itself:
        links[project.manifest.name] = project.folder
    return [_link_step(name, folder) for name, folder in links.items() if is_package_name(name)]


def _link_step(name: str, folder: str) -> str:
    """A release of before the fix may be in the place of the link."""
    link = f"node_modules/{name}"
    return f"RUN mkdir -p {link.rpartition('/')[0]} && rm -rf {link} && ln -s {_in_source(folder)} {link}"


def _in_source(folder: str) -> str:
    return shlex.quote(f"{SOURCE_ROOT}/{folder}".rstrip("/"))


def _rebuilder(lock: LockFile | None) -> str:
    return "pnpm" if lock is not None and lock.manager is PackageManager.PNPM else "npm"


def _quoted_packages(packages: Mapping[str, str]) -> str:
    pairs: Iterable[tuple[str, str]] = sorted(packages.items())
    return " ".join(shlex.quote(f"{name}@{version_range}") for name, version_range in pairs)
