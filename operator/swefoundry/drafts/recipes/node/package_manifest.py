"""Read package.json: what a package needs, and how its tests are started."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from swefoundry.contracts.wire import JsonObject
from swefoundry.drafts.recipes.recipe_search import LanguageVersion

_ELSEWHERE = re.compile(
    r"^(?:file|link|portal|workspace|patch|catalog|git(?:\+\w+)?|github|gitlab|bitbucket|gist|https?|ssh):|^\.\.?(?:/|$)|^~?/|^git@"
)
_SHORT_GITHUB = re.compile(r"^[\w.-]+/[\w.-]+(?:#.*)?$")
_DIST_TAG = re.compile(r"(?!(?:latest|[xX]|v\d.*)$)[A-Za-z][\w.-]*")
_VERSION = re.compile(r"v?\d[\w.+-]{0,255}", re.ASCII)
_PACKAGE_NAME = re.compile(r"(?:@[\w.~-]+/)?[\w.~-]+")
_BELOW = re.compile(r"<(=?)\s*v?(\d+)")
_ONE_MAJOR = re.compile(r"[\^~=]?\s*v?(\d+)(?:\.(?:\d+|x|\*))*$")
_MAJOR = re.compile(r"(?:^|[^\d.])v?(\d+)")


@dataclass(frozen=True)
class PackageManifest:
    """One package.json; fields of another kind than npm wants count as absent."""

    fields: JsonObject

    @property
    def name(self) -> str:
        return str(self.fields.get("name", ""))

    @property
    def version(self) -> str:
        """As the manifest has it; empty for a text that is no version, which could not be written into a Dockerfile."""
        found = _VERSION.fullmatch(str(self.fields.get("version", "")))
        return found[0] if found else ""

    @property
    def scripts(self) -> dict[str, str]:
        return self._table("scripts")

    @property
    def runtime(self) -> dict[str, str]:
        """Packages that users of the package get, with their ranges."""
        return self._table("optionalDependencies") | self._table("dependencies")

    @property
    def development(self) -> dict[str, str]:
        return self._table("devDependencies")

    @property
    def peers(self) -> dict[str, str]:
        return self._table("peerDependencies")

    @property
    def every_package(self) -> dict[str, str]:
        return self.peers | self.development | self.runtime

    @cached_property
    def at_least(self) -> LanguageVersion | None:
        """The oldest release of Node that `engines` allows."""
        majors = [
            match[1] for each in self._engines if (match := _MAJOR.search(each)) and "<" not in each[:2]
        ]
        return (min(map(int, majors)), 0) if majors else None

    @cached_property
    def below(self) -> LanguageVersion | None:
        """The release of Node from which on `engines` allows none."""
        bounds = [_upper_bound(each.strip()) for each in self._engines]
        known = [bound for bound in bounds if bound is not None]
        return (max(known), 0) if known and len(known) == len(bounds) else None

    @property
    def _engines(self) -> list[str]:
        return self._table("engines").get("node", "").split("||")

    def _table(self, key: str) -> dict[str, str]:
        table = self.fields.get(key)
        entries = table.items() if isinstance(table, dict) else ()
        return {name: text for name, text in entries if isinstance(text, str)}


def _upper_bound(alternative: str) -> int | None:
    """Return the first major release above one alternative of `engines`; None for one that is open."""
    if (match := _BELOW.search(alternative)) is not None:
        return int(match[2]) + bool(match[1])
    match = _ONE_MAJOR.match(alternative)
    return int(match[1]) + 1 if match is not None else None


def read_manifest(text: str) -> PackageManifest:
    """Return the manifest of a text; an empty one where the text is no JSON object."""
    try:
        fields = json.loads(text)
    except ValueError:
        fields = {}
    return PackageManifest(fields if isinstance(fields, dict) else {})


def is_package_name(name: str) -> bool:
    return _PACKAGE_NAME.fullmatch(name) is not None


def from_registry(packages: Mapping[str, str]) -> dict[str, str]:
    """Return the packages that a registry has; others are bound to a folder, a repository or an address.

    A tag such as `next` names a release of today, where the registry has it at all: any release of the day does.
    """
    return {
        name: "*" if _DIST_TAG.fullmatch(version_range) else version_range
        for name, version_range in packages.items()
        if is_package_name(name)
        and not _ELSEWHERE.search(version_range)
        and not _SHORT_GITHUB.search(version_range)
    }
