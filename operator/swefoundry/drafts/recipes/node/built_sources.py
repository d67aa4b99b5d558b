"""Packages whose tests load built files: what builds them, and where a script says that tests come after the build."""

import re
from collections.abc import Iterator

from swefoundry.drafts.recipes.node.node_project import NodeProject
from swefoundry.drafts.recipes.node.package_manifest import PackageManifest
from swefoundry.drafts.recipes.node.runner_detection import RUNNERS, script_commands

_ALWAYS = ("build", "compile", "transpile")
_WITH_COMPILER = ("prepare", "prepublish", "prepublishOnly", "tsc", "dist", "bundle")
"""Scripts that build in some packages; in others they install git hooks, run tests or print."""
_COMPILER = re.compile(
    r"\b(?:tsc|tsup|tshy|swc|babel|rollup|webpack|esbuild|vite build|unbuild|microbundle|pkgroll|coffee|ncc)\b"
)
_NO_OUTPUT = re.compile(r"--no-?emit\b", re.IGNORECASE)


def build_commands(project: NodeProject) -> list[str]:
    """Return the shell commands that build the package, members of the workspace that it needs first."""
    members = [(folder, project.workspace.members[folder]) for folder in project.members]
    return [
        command if folder == project.folder else f"(cd {_path_between(project.folder, folder)} && {command})"
        for folder, manifest in [*members, (project.folder, project.fixed_manifest)]
        if (command := _build_command(project, folder, manifest)) is not None
    ]


def is_tested_after_its_build(manifest: PackageManifest) -> bool:
    """Whether the script of the tests, or the one before it, builds before a runner starts."""
    scripts = manifest.scripts
    for words in (words for name in ("pretest", "test") for words in script_commands(scripts, name)):
        if words[:1] == ["node"] or set(words) & {*RUNNERS}:
            return False
        if _COMPILER.search(" ".join(words[:3])) and not _NO_OUTPUT.search(" ".join(words)):
            return True
    return False


def _build_command(project: NodeProject, folder: str, manifest: PackageManifest) -> str | None:
    script = next(_build_scripts(manifest), None)
    if script is not None:
        return f"npm run --silent {script}"
    configured = f"{folder}/tsconfig.json" if folder else "tsconfig.json"
    has_compiler = "typescript" in project.declared
    known = {file.path for file in (*project.facts.manifests, *project.facts.further_manifests)}
    return "tsc -p ." if has_compiler and configured in known else None


def _build_scripts(manifest: PackageManifest) -> Iterator[str]:
    scripts = manifest.scripts
    yield from (name for name in _ALWAYS if name in scripts)
    yield from (
        name
        for name in _WITH_COMPILER
        if _COMPILER.search(scripts.get(name, "")) and not _NO_OUTPUT.search(scripts[name])
    )


def _path_between(start: str, folder: str) -> str:
    """Return the relative path from one folder of the source to another."""
    up = "../" * len(start.split("/")) if start else "./"
    return f"{up}{folder}" if folder else up
