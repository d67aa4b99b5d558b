"""Releases of Node that a source names: by its manifest, by files of version managers, by its CI."""

import re
from collections.abc import Iterable

from swefoundry.contracts.facts import Facts
from swefoundry.drafts.recipes.node.node_releases import ReleaseBounds
from swefoundry.drafts.recipes.node.package_manifest import PackageManifest
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

_CODE_NAMES = {
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
}
"""Names of the long-term releases: `lts/gallium`."""

_TOOL = re.compile(r"^nodejs\s+v?(\d+|lts/?-?\w+)", re.MULTILINE)
_CI_KEY = re.compile(r"^([ \t]*)(?:- )?[\"']?node(?:[-_]version|[-_]?js)?[\"']?[ \t]*:(.*)$", re.MULTILINE)
_CI_ITEM = re.compile(r"(?:\n[ \t]*-[ \t]*[^\n:]*)*")
_CI_RELEASE = re.compile(r"(?<![\w.])v?(\d{1,2})(?:\.(?:\d+|x|\*))*(?![\w.])")


def release_bounds(
    facts: Facts, manifest: PackageManifest, manager_needs: LanguageVersion | None
) -> ReleaseBounds:
    """Return which releases of Node the source and its package manager allow."""
    pinned = [(major, 0) for major in pinned_releases(facts, manifest)]
    lower = [bound for bound in (manifest.at_least, manager_needs, *pinned) if bound is not None]
    return ReleaseBounds(max(lower, default=None), manifest.below, preferred_releases(facts, manifest))


def preferred_releases(facts: Facts, manifest: PackageManifest) -> frozenset[int]:
    """Return the major releases that the source is developed with, else those that its CI tests."""
    return frozenset(pinned_releases(facts, manifest)) or frozenset(
        major for file in facts.ci for major in ci_releases(file.text)
    )


def pinned_releases(facts: Facts, manifest: PackageManifest) -> list[int]:
    """Return the major releases of `.nvmrc`, `.node-version`, `.tool-versions` and `volta`."""
    files = {file.path: file.text for file in facts.manifests}
    volta = manifest.fields.get("volta")
    tools = _TOOL.search(files.get(".tool-versions", ""))
    words = [
        files.get(".nvmrc", ""),
        files.get(".node-version", ""),
        tools[1] if tools else "",
        str(volta.get("node", "")) if isinstance(volta, dict) else "",
    ]
    return list(_majors(words))


def ci_releases(text: str) -> Iterable[int]:
    """Yield the major releases of `node-version: [16, 18.x]`, `node_js:` with a list below, and the like."""
    for key in _CI_KEY.finditer(text):
        items = _CI_ITEM.match(text, key.end())
        listed = key[2] + (items[0] if items else "")
        yield from (int(major) for major in _CI_RELEASE.findall(listed.partition("#")[0]))


def _majors(words: Iterable[str]) -> Iterable[int]:
    for word in words:
        name = word.strip().lower().removeprefix("lts/").removeprefix("lts-")
        match = re.match(r"v?(\d+)", name)
        if match or name in _CODE_NAMES:
            yield int(match[1]) if match else _CODE_NAMES[name]
