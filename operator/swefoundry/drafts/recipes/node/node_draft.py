"""Turn a candidate and constraints into a draft and a label for people."""

import json
import shlex

from swefoundry.contracts.draft import Draft
from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.dockerfile.render import apt_step
from swefoundry.drafts.recipes.node.node_constraints import NodeConstraints
from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.node_releases import NodeCandidate
from swefoundry.drafts.recipes.node.node_test_command import (
    DRIVER,
    NO_BUILD,
    NODE_REPORT,
    driver_text,
    node_test_command,
)
from swefoundry.drafts.recipes.node.package_manifest import is_package_name
from swefoundry.drafts.recipes.node.runner_detection import RunnerCommand
from swefoundry.drafts.recipes.recipe_search import ORDINARY_USER

_INSTALL = (
    "npm install --ignore-scripts --legacy-peer-deps --no-package-lock --no-audit --no-fund --fetch-retries=1"
)
"""Without retries for minutes: a repository that is gone does not come back."""


def plan_to_draft(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> Draft:
    """Return the draft of a plan. Nothing is rebuilt in a reused image: tests load the sources, or build them first."""
    return Draft(
        dockerfile=_dockerfile(project, runner, candidate, constraints),
        test_command=node_test_command(project, runner, constraints),
        reports=[NODE_REPORT],
        error_exit_codes=[NO_BUILD] if constraints.build else [],
        tolerated_failures=sorted(constraints.tolerated),
        run_as_user=ORDINARY_USER if constraints.as_user else None,
    )


def _dockerfile(
    project: NodeProject, runner: RunnerCommand, candidate: NodeCandidate, constraints: NodeConstraints
) -> str:
    """Packages are installed above the checkout, from the manifests alone, unless its lock file is used."""
    folder = f"{SOURCE_ROOT}/{project.folder}".rstrip("/")
    bins = [f"{folder}/node_modules/.bin", f"{SOURCE_ROOT}/node_modules/.bin"]
    checkout = f"COPY . {SOURCE_ROOT}"
    steps = [
        f"FROM {candidate.base}",
        f"ENV CI=1 npm_config_update_notifier=false PATH={':'.join(dict.fromkeys(bins))}:$PATH",
        *([apt_step(sorted(constraints.apt))] if constraints.apt else []),
        f"WORKDIR {folder}",
        *_install_steps(project, runner, candidate, constraints, checkout),
        *_link_step(project, constraints, folder),
        *(f"RUN npm rebuild {name}" for name in sorted(constraints.scripts)),
        f"RUN cat > {DRIVER} <<'EOF'\n{driver_text()}EOF",
        f"WORKDIR {SOURCE_ROOT}",
        "ENV npm_config_offline=true",
    ]
    return "\n".join(steps) + "\n"


def _install_steps(
    project: NodeProject,
    runner: RunnerCommand,
    candidate: NodeCandidate,
    constraints: NodeConstraints,
    checkout: str,
) -> list[str]:
    if uses_lock(project, constraints):
        extra = _quoted_packages(project.added_by_fix)
        return [
            checkout,
            "RUN npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1",
            *([f"RUN {_INSTALL} --no-save {extra}"] if extra else []),
        ]
    as_of = as_of_day(candidate, constraints)
    before = f" --before={as_of}" if as_of else ""
    manifest = json.dumps({"private": True, "dependencies": _installed(project, runner, constraints)})
    # One package a line, so that a reader sees what differs; the Dockerfile joins the lines.
    lines = shlex.quote(manifest).replace(", ", ", \\\n  ")
    return [f"RUN printf %s {lines} > package.json \\\n && {_INSTALL}{before}", checkout]


def _link_step(project: NodeProject, constraints: NodeConstraints, folder: str) -> list[str]:
    """The package is never taken from the registry: what is there may have the fix."""
    name = project.manifest.name
    if not (constraints.links_itself or project.needs_itself) or not is_package_name(name):
        return []
    return [f"RUN mkdir -p node_modules/{name.rpartition('/')[0]} && ln -sfn {folder} node_modules/{name}"]


def _installed(project: NodeProject, runner: RunnerCommand, constraints: NodeConstraints) -> dict[str, str]:
    """Return the packages to install, with their ranges."""
    requested = {name: project.declared.get(name, "*") for name in constraints.packages}
    own = {runner.name: project.declared[runner.name]} if runner.name in project.declared else {}
    chosen = project.needed | own | requested
    return {name: chosen[name] for name in sorted(chosen) if name not in constraints.without}


def uses_lock(project: NodeProject, constraints: NodeConstraints) -> bool:
    return project.is_locked and not constraints.ignore_lock


def as_of_day(candidate: NodeCandidate, constraints: NodeConstraints) -> str:
    """The day as of which packages are resolved; empty for today."""
    return "" if constraints.undated or candidate.as_of is None else candidate.as_of.isoformat()


def _quoted_packages(packages: dict[str, str]) -> str:
    return " ".join(
        shlex.quote(f"{name}@{version_range}") for name, version_range in sorted(packages.items())
    )


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
        "by its lock file" if uses_lock(project, constraints) else resolved,
        _listed("with", {*constraints.packages, *constraints.apt}),
        _listed("install scripts of", constraints.scripts),
        _listed("without", left_out),
        _listed("options", constraints.test_options),
        "linked under its own name" if constraints.links_itself else "",
        "built before the tests" if constraints.build else "",
        *constraints.described(),
    ]
    return ", ".join(filter(None, parts))


def _listed(word: str, names: "frozenset[str] | set[str] | list[str]") -> str:
    return f"{word} {' '.join(sorted(names))}" if names else ""
