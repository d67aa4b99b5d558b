"""One line about a lockfile in place of its text: format, number of packages, git sources, agreement with the manifest.

Pure. Lockfiles are the longest files of a tree and say little in their first lines.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

MAX_NAMES = 8
"""Of packages from git and of those that are not locked."""


@dataclass(frozen=True)
class LockFacts:
    """What a lockfile says about an installation."""

    format: str
    packages: int
    git_sources: tuple[str, ...] = ()
    unlocked: tuple[str, ...] | None = None
    """Dependencies of the manifest that are not locked as it names them; None: not compared."""

    @property
    def described(self) -> str:
        """The facts as one line."""
        parts = [self.format, f"{self.packages} packages"]
        if self.git_sources:
            parts.append(f"from git: {_names(self.git_sources)}")
        if self.unlocked is not None:
            parts.append(
                f"not in step with the manifest: {_names(self.unlocked)}"
                if self.unlocked
                else "in step with the manifest"
            )
        return "; ".join(parts)


def lock_facts(path: str, text: str, manifest: str = "") -> LockFacts | None:
    """Facts of a lockfile, with the text of the manifest beside it; None for a format that is not known."""
    read = _READERS.get(PurePosixPath(path).name)
    return read(text, manifest) if read is not None else None


def _names(names: Iterable[str]) -> str:
    listed = sorted(set(names))
    more = f" and {len(listed) - MAX_NAMES} more" if len(listed) > MAX_NAMES else ""
    return ", ".join(listed[:MAX_NAMES]) + more


def _npm(text: str, manifest: str) -> LockFacts | None:
    lock = _json(text)
    if not lock:
        return None
    packages: Mapping[str, Any] = lock.get("packages") or lock.get("dependencies") or {}
    entries = {name: entry for name, entry in packages.items() if name and isinstance(entry, dict)}
    git = tuple(
        name.rpartition("node_modules/")[2]
        for name, entry in entries.items()
        if str(entry.get("resolved") or entry.get("version") or "").startswith("git")
    )
    root = packages.get("")
    locked = _dependencies(root) if isinstance(root, dict) else None
    requested = _dependencies(_json(manifest))
    unlocked = None
    if requested and locked is not None:
        unlocked = tuple(name for name, version in requested.items() if locked.get(name) != version)
    elif requested:
        unlocked = tuple(name for name in requested if name not in entries)
    return LockFacts(f"npm, lockfileVersion {lock.get('lockfileVersion', 1)}", len(entries), git, unlocked)


def _yarn(text: str, manifest: str) -> LockFacts:
    berry = "__metadata:" in text
    heads = re.findall(r"^(\S.*):$", text, re.M)
    keys = {key.strip().strip('"') for head in heads for key in head.split(",")} - {"__metadata"}
    git = tuple(
        key.rpartition("@")[0] or key for key in keys if re.search(r"@git[+:@]|\.git\b|@github:", key)
    )
    requested = _dependencies(_json(manifest))
    exact = {key.replace("@npm:", "@") for key in keys}
    unlocked = tuple(name for name, version in requested.items() if f"{name}@{version}" not in exact)
    kind = "yarn 2 or later" if berry else "yarn 1"
    return LockFacts(kind, len(heads), git, unlocked if requested and not berry else None)


def _pnpm(text: str, manifest: str) -> LockFacts:
    version = re.search(r"^lockfileVersion: '?([\d.]+)", text, re.M)
    packages = re.findall(r"^  (\S.*):$", text.partition("\npackages:")[2], re.M)
    git = tuple(
        name for name in packages if "git" in name.partition("@")[2][:12] or name.startswith("github.com")
    )
    return LockFacts(f"pnpm, lockfileVersion {version[1] if version else 'unknown'}", len(packages), git)


def _toml_packages(label: str) -> Callable[[str, str], LockFacts]:
    def read(text: str, manifest: str) -> LockFacts:
        blocks = text.split("[[package]]")[1:]
        names = [
            match[1] if (match := re.search(r'^name = "(.+?)"', block, re.M)) else "" for block in blocks
        ]
        git = tuple(
            name
            for name, block in zip(names, blocks, strict=True)
            if re.search(r'git\+|type = "git"|source = \{ git', block)
        )
        version = re.search(r'^(?:lock-version|lock_version|version) = "?([\d.]+)', text, re.M)
        return LockFacts(f"{label}, version {version[1]}" if version else label, len(blocks), git)

    return read


def _go_sum(text: str, manifest: str) -> LockFacts:
    modules = {line.split()[0] for line in text.splitlines() if line.strip()}
    return LockFacts("go.sum", len(modules))


def _bundler(text: str, manifest: str) -> LockFacts:
    with_version = re.search(r"BUNDLED WITH\s+([\d.]+)", text)
    git = tuple(re.findall(r"^GIT\n  remote: (\S+)", text, re.M))
    label = f"Bundler {with_version[1]}" if with_version else "Bundler"
    return LockFacts(label, len(re.findall(r"^    \S+ \(", text, re.M)), git)


def _json(text: str) -> dict[str, Any]:
    try:
        content = json.loads(text)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _dependencies(manifest: Mapping[str, Any]) -> dict[str, str]:
    groups = ("dependencies", "devDependencies", "optionalDependencies")
    found = [manifest.get(group) for group in groups]
    return {
        name: version
        for group in found
        if isinstance(group, dict)
        for name, version in group.items()
        if isinstance(version, str)
    }


_READERS: dict[str, Callable[[str, str], LockFacts | None]] = {
    "package-lock.json": _npm,
    "npm-shrinkwrap.json": _npm,
    "yarn.lock": _yarn,
    "pnpm-lock.yaml": _pnpm,
    "poetry.lock": _toml_packages("poetry"),
    "uv.lock": _toml_packages("uv"),
    "pdm.lock": _toml_packages("pdm"),
    "Cargo.lock": _toml_packages("cargo"),
    "go.sum": _go_sum,
    "Gemfile.lock": _bundler,
}
