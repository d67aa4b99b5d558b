"""Lock files, and the package manager that installs the very releases of each."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.drafts.recipes.node.package_manifest import PackageManifest
from swefoundry.drafts.recipes.recipe_search import LanguageVersion


class PackageManager(StrEnum):
    """Package managers with lock files of their own."""

    NPM = "npm"
    YARN = "yarn"
    BERRY = "yarn berry"
    """Yarn from release 2 on: other lock files, other options, another package."""
    PNPM = "pnpm"


_NAMES = {
    "npm-shrinkwrap.json": PackageManager.NPM,
    "package-lock.json": PackageManager.NPM,
    "yarn.lock": PackageManager.YARN,
    "pnpm-lock.yaml": PackageManager.PNPM,
}
"""In the order in which they count, where a folder has several."""

_YARN_1 = "1.22.22"
_YARN_OF_LOCK = {"4": "2", "5": "3", "6": "3", "7": "3"}
_PNPM_OF_LOCK = {"5.1": "4", "5.2": "5", "5.3": "6", "5.4": "7", "6.0": "8", "6.1": "8"}
"""Release that writes a format of lock files; later formats belong to later releases."""
_NEWEST_YARN, _NEWEST_PNPM = "4", "9"

_NODE_OF_PNPM = {5: 10, 6: 12, 7: 14, 8: 16, 9: 18, 10: 18, 11: 22}
_NODE_OF_YARN = {2: 10, 3: 12, 4: 18}
_NPM_OF_NODE = {10: "7", 12: "8", 14: "8"}
"""npm for releases of Node that came with npm 6, which knows neither workspaces nor lock files of format 3."""

TEMPORARY = "/tmp/packages"
"""The manager's own store, deleted in the same step: it has every package again, also releases that have the fix."""


@dataclass(frozen=True)
class LockFile:
    """A lock file and what installs it."""

    folder: str
    """Relative to the source's root."""
    name: str
    manager: PackageManager
    release: str
    """Release of the package manager, exact or a major version; empty: that of the image."""
    needs_newer_npm: bool = False
    """npm 6 cannot install it."""

    @property
    def at_least(self) -> LanguageVersion | None:
        """The oldest release of Node on which the package manager runs."""
        majors = {PackageManager.PNPM: _NODE_OF_PNPM, PackageManager.BERRY: _NODE_OF_YARN}
        node = majors.get(self.manager, {}).get(int(self.release.partition(".")[0] or 0))
        return (node, 0) if node is not None else None


def find_lock(
    folders: Sequence[str], texts: Mapping[str, str], root: PackageManifest, has_workspace: bool
) -> LockFile | None:
    """Return the lock file in the first folder that has one; of several that of the manager that the root names."""
    named, release = _named_manager(root)
    for folder in folders:
        found = [name for name in _NAMES if _path(folder, name) in texts]
        for name in sorted(found, key=lambda each: _NAMES[each].value != named):
            return _lock_file(
                folder, name, texts, release if _NAMES[name].value == named else "", has_workspace
            )
    return None


def _lock_file(
    folder: str, name: str, texts: Mapping[str, str], release: str, has_workspace: bool
) -> LockFile:
    text, manager = texts[_path(folder, name)], _NAMES[name]
    if manager is PackageManager.NPM:
        newer = has_workspace or re.search(r'"lockfileVersion"\s*:\s*[3-9]', text) is not None
        return LockFile(folder, name, manager, "", needs_newer_npm=newer)
    if manager is PackageManager.PNPM:
        written = re.search(r"^lockfileVersion:\s*['\"]?([\d.]+)", text, re.MULTILINE)
        return LockFile(
            folder, name, manager, release or _PNPM_OF_LOCK.get(written[1] if written else "", _NEWEST_PNPM)
        )
    written = re.search(r"^__metadata:\s*\n\s+version:\s*['\"]?(\d+)", text, re.MULTILINE)
    if written is None:
        return LockFile(folder, name, manager, _YARN_1)
    of_berry = release if not release.startswith("1.") else ""
    return LockFile(
        folder, name, PackageManager.BERRY, of_berry or _YARN_OF_LOCK.get(written[1], _NEWEST_YARN)
    )


def _named_manager(manifest: PackageManifest) -> tuple[str, str]:
    """Name and release of `"packageManager": "pnpm@8.15.0+sha256.…"`."""
    text = str(manifest.fields.get("packageManager", ""))
    match = re.fullmatch(r"(npm|yarn|pnpm)@(\d+\.\d+\.\d+)(?:\+\S*)?", text)
    return (match[1], match[2]) if match else ("", "")


def _path(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def manager_step(lock: LockFile, node: LanguageVersion) -> list[str]:
    """Install the package manager itself. `--force` replaces one that the image has."""
    packages = {
        PackageManager.YARN: f"yarn@{lock.release}",
        PackageManager.BERRY: f"@yarnpkg/cli-dist@{lock.release}",
        PackageManager.PNPM: f"pnpm@{lock.release}",
    }
    newer_npm = _NPM_OF_NODE.get(node[0]) if lock.needs_newer_npm else None
    package = packages.get(lock.manager) or (f"npm@{newer_npm}" if newer_npm else None)
    return [f"RUN npm install -g --force --no-audit --no-fund {package}"] if package else []


def lock_command(lock: LockFile, frozen: bool, legacy_peers: bool) -> str:
    """Return the command that installs what a lock file names; it leaves the files of the source as they are.

    No install script runs. Addresses of another registry in a lock file become those of the configured one.
    """
    if lock.manager is PackageManager.NPM:
        peers = " --legacy-peer-deps" if legacy_peers else ""
        options = "--ignore-scripts --no-audit --no-fund --fetch-retries=1 --replace-registry-host=always"
        return f"npm ci {options} --cache={TEMPORARY}{peers} && rm -rf {TEMPORARY}"
    command, kept = {
        PackageManager.YARN: (_yarn_command, [lock.name]),
        PackageManager.BERRY: (_berry_command, [lock.name, "package.json"]),
        PackageManager.PNPM: (_pnpm_command, [lock.name]),
    }[lock.manager]
    files = " ".join(kept)
    restored = " ".join(f"/tmp/{name}" for name in kept)
    return f"cp -p {files} /tmp/ && {command(frozen)} && mv {restored} . && rm -rf {TEMPORARY}"


def _yarn_command(frozen: bool) -> str:
    """Yarn 1 asks the registries whose addresses the lock file has, whatever its configuration says."""
    address = r"""'s#^(  resolved ")https?://[^"@]*/((@[^/"]+/)?[^/"@]+/-/)#\1'"${registry%/}"'/\2#'"""
    options = f"--ignore-scripts --ignore-engines --non-interactive --cache-folder {TEMPORARY}"
    return (
        f"registry=$(npm config get registry) && sed -i -E {address} yarn.lock"
        f" && yarn install {options} {'--frozen-lockfile' if frozen else '--pure-lockfile'}"
    )


def _berry_command(frozen: bool) -> str:
    settings = (
        f"YARN_NODE_LINKER=node-modules YARN_ENABLE_SCRIPTS=0 YARN_ENABLE_TELEMETRY=0 YARN_CACHE_FOLDER={TEMPORARY}"
        f" YARN_ENABLE_GLOBAL_CACHE=0 YARN_INSTALL_STATE_PATH={TEMPORARY}/state.gz"
    )
    return (
        f"registry=$(npm config get registry) && YARN_NPM_REGISTRY_SERVER=${{registry%/}} {settings}"
        f" yarn install {'--immutable' if frozen else '--no-immutable'}"
    )


def _pnpm_command(frozen: bool) -> str:
    options = f"--ignore-scripts --store-dir {TEMPORARY} --package-import-method copy"
    return f"pnpm install {options} {'--frozen-lockfile' if frozen else '--no-frozen-lockfile'}"
