"""The packages of a monorepo: which folders belong to its workspace, and which of them a package needs."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import yaml

from swefoundry.drafts.recipes.node.package_manifest import PackageManifest

PNPM_WORKSPACE = "pnpm-workspace.yaml"
LERNA = "lerna.json"


@dataclass(frozen=True)
class NodeWorkspace:
    """The members of the workspace in the root of a source; none where there is no workspace."""

    members: Mapping[str, PackageManifest]
    """By folder; without the root."""

    @cached_property
    def folders(self) -> dict[str, str]:
        """Folder of each member by its name."""
        return {manifest.name: folder for folder, manifest in self.members.items() if manifest.name}

    def needed_by(self, manifests: Iterable[PackageManifest]) -> list[str]:
        """Return the folders of the members that manifests name, also indirectly; needed ones first."""
        found: dict[str, None] = {}
        visited: set[str] = set()

        def visit(names: Iterable[str]) -> None:
            for name in sorted(self.folders.keys() & names):
                folder = self.folders[name]
                if folder not in visited:
                    visited.add(folder)
                    visit(self.members[folder].runtime)
                    found[folder] = None

        visit({name for manifest in manifests for name in manifest.every_package})
        return list(found)


def read_workspace(manifests: Mapping[str, PackageManifest], texts: Mapping[str, str]) -> NodeWorkspace:
    """Return the workspace of the manifests (by folder) that the files in the root declare."""
    root = manifests.get("")
    patterns = [
        *_strings(root.fields.get("workspaces") if root is not None else None),
        *_strings(_table(texts.get(PNPM_WORKSPACE, ""))),
        *_strings(_table(texts.get(LERNA, ""))),
    ]
    included = [_glob(pattern) for pattern in patterns if not pattern.startswith("!")]
    excluded = [_glob(pattern[1:]) for pattern in patterns if pattern.startswith("!")]
    return NodeWorkspace(
        {
            folder: manifest
            for folder, manifest in manifests.items()
            if folder and _any(included, folder) and not _any(excluded, folder)
        }
    )


def _table(text: str) -> object:
    """JSON is YAML as well."""
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return None


def _strings(declared: object) -> list[str]:
    """Return the patterns of a list, or of the list `packages` in a table."""
    listed = declared.get("packages") if isinstance(declared, dict) else declared
    return [each for each in listed if isinstance(each, str)] if isinstance(listed, list) else []


def _glob(pattern: str) -> re.Pattern[str]:
    """`packages/*`, `packages/**`, `./apps/web/`, `libs/{a,b}`."""
    cleaned = pattern.removeprefix("./").rstrip("/")
    parts = re.split(r"(\*\*/?|\*|\{[^{}]*\})", cleaned)
    return re.compile("".join(map(_expression, parts)))


def _expression(part: str) -> str:
    if part.startswith("**"):
        return ".*"
    if part.startswith("{"):
        return f"(?:{'|'.join(map(re.escape, part[1:-1].split(',')))})"
    return "[^/]*" if part == "*" else re.escape(part)


def _any(patterns: Iterable[re.Pattern[str]], folder: str) -> bool:
    return any(pattern.fullmatch(folder) for pattern in patterns)
