"""Packages that a path names, or npm's index: what package managers install and keep in their caches. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from swefoundry.contracts.leaks import LeakKind


@dataclass(frozen=True)
class Release:
    """A version of a distribution."""

    kind: LeakKind
    name: str
    version: str


_VERSION = r"(?P<version>v?\d[^/]*?)"
_INSTALLED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:^|[/!])(?P<name>[A-Za-z0-9._]+)-{_VERSION}\.dist-info/METADATA$",
        rf"(?:^|[/!])(?P<name>[A-Za-z0-9._]+)-{_VERSION}(?:-py\d[\d.]*)?\.egg-info(?:/PKG-INFO)?$",
        rf"(?:^|[/!])(?P<name>[A-Za-z0-9._]+)-{_VERSION}-py\d[\d.]*[^/]*\.egg/EGG-INFO/PKG-INFO$",
        rf"(?:^|/)registry/src/[^/]+/(?P<name>[A-Za-z0-9_-]+?)-{_VERSION}/Cargo\.toml$",
        rf"(?:^|/)pkg/mod/(?P<name>(?!cache/)[^@]+)@{_VERSION}/go\.mod$",
    )
)
_CACHED = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:^|[/!])(?P<name>[A-Za-z0-9._]+)-{_VERSION}-[^/]*\.whl$",
        rf"(?:^|[/!])(?P<name>[A-Za-z0-9._-]+?)-{_VERSION}\.(?:tar\.gz|tar\.bz2|tgz|zip|crate|jar|gem|egg)$",
        rf"(?:^|/)cache/download/(?P<name>[^@]+)/@v/{_VERSION}\.zip$",
    )
)
_BUNDLED = re.compile(
    r"(?:(?:site|dist)-packages/|\.whl!)(?:[^!]*/)?(?:_vendor|_vendored|vendored)/|(?:^|/)node_modules/(?:npm|corepack|yarn|pnpm)/"
)
_SITE_PACKAGES = re.compile(r"(?:site|dist)-packages/")
_NODE_PACKAGE = re.compile(r"(?:^|/)node_modules/(?P<name>(?:@[^/]+/)?[^/@]+)/package\.json$")
_NPM_CACHE = re.compile(r"(?:^|/)_cacache/index-v\d+/")
_NPM_ARCHIVE = re.compile(
    rb"\"key\":\"[^\"]{0,500}/(?P<name>(?:@[^/\"]{1,214}(?:/|%2f))?[^/\"]{1,214})/-/"
    rb"[^/\"]{1,214}?-(?P<version>\d[^/\"]{0,100}?)\.tgz",
    re.IGNORECASE,
)
"""An entry of npm's index: the archives have the names of their checksums. Bounded, as the text is hostile."""
_UPPER = re.compile(r"!([a-z])")


def releases(path: str) -> Iterator[Release]:
    """The packages that a path stands for."""
    for kind, patterns in ((LeakKind.LATER_RELEASE, _INSTALLED), (LeakKind.PACKAGE_CACHE, _CACHED)):
        for pattern in patterns:
            if match := pattern.search(path):
                name = _UPPER.sub(lambda upper: upper[1].upper(), match["name"])
                yield Release(kind, name, match["version"])
                return


def npm_cache_releases(path: str, content: bytes) -> Iterator[Release]:
    """The packages that a file of the index of npm's cache names."""
    for match in _NPM_ARCHIVE.finditer(content) if _NPM_CACHE.search(path) else ():
        name, version = (match[group].decode("ascii", "replace") for group in ("name", "version"))
        yield Release(LeakKind.PACKAGE_CACHE, re.sub("%2f", "/", name, flags=re.IGNORECASE), version)


def is_bundled(path: str) -> bool:
    """Whether a file is a copy that pip, setuptools or npm have inside of them: every image with these tools has it."""
    return _BUNDLED.search(path) is not None


def is_installed(path: str) -> bool:
    """Whether a file belongs to the installed distributions of a Python environment."""
    return _SITE_PACKAGES.search(path) is not None


def node_package(path: str) -> str | None:
    """Name of the package of a package.json below node_modules."""
    match = _NODE_PACKAGE.search(path)
    return match["name"] if match else None
