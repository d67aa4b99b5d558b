"""Parser of pairs of releases: `PKG:OLD..NEW`, and `go:`, `npm:`, `crate:` or `maven:` before `NAME@OLD..NEW`."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

PAIR_TEXT = re.compile(
    r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<old>\S+?)\.\.(?P<new>\S+)"
)
MODULE_PAIR_TEXT = re.compile(r"go:(?P<package>[A-Za-z0-9][\w./~-]*)@(?P<old>v\S+?)\.\.(?P<new>v\S+)")
NPM_PAIR_TEXT = re.compile(r"npm:(?P<package>(?:@[\w.-]+/)?[\w.-]+)@(?P<old>\d\S*?)\.\.(?P<new>\d\S*)")
CRATE_PAIR_TEXT = re.compile(r"crate:(?P<package>[A-Za-z][\w-]*)@(?P<old>\d\S*?)\.\.(?P<new>\d\S*)")
MAVEN_PAIR_TEXT = re.compile(
    r"maven:(?P<package>[A-Za-z0-9][\w.-]*:[A-Za-z0-9][\w.-]*)@(?P<old>\d\S*?)\.\.(?P<new>\d\S*)"
)
PAIR_FORMS = (
    ("go", MODULE_PAIR_TEXT),
    ("java", MAVEN_PAIR_TEXT),
    ("javascript", NPM_PAIR_TEXT),
    ("rust", CRATE_PAIR_TEXT),
    ("python", PAIR_TEXT),
)
"""Languages and how their pairs are written."""
PREFIXES = {"go": "go", "java": "maven", "javascript": "npm", "rust": "crate"}
"""Before the names of packages, by language; those of the Python index have none."""
REPO_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")

MODULE_OF_REPO = re.compile(r"(?:github|gitlab|bitbucket|codeberg)\.[a-z]+/([\w.-]+/[\w.-]+)")
MAJOR_VERSION = re.compile(r"(?:/|\.)v\d+$")


PAIR_EXAMPLES = (
    "itsdangerous:2.1.0..2.1.1, go:github.com/spf13/cobra@v1.2.0..v1.2.1, npm:qs@6.9.6..6.9.7, "
    "crate:bytes@1.10.0..1.10.1 or maven:commons-cli:commons-cli@1.5.0..1.6.0"
)


class BadPair(Exception):
    """The text is not a pair; the message says why."""


@dataclass(frozen=True)
class ReleasePair:
    """Two releases of one package of the Python index or of npm's registry, Go module, crate or Maven artifact."""

    package: str
    old: str
    new: str
    repo: str | None = None
    """owner/name as given by the user; None to take it from the package's metadata."""

    language: str = "python"

    def __str__(self) -> str:
        if self.language == "python":
            return f"{self.package}:{self.old}..{self.new}"
        return f"{PREFIXES[self.language]}:{self.package}@{self.old}..{self.new}"

    @property
    def repo_in_name(self) -> str | None:
        """owner/name, where the module's path begins with a host of repositories: `github.com/spf13/cobra/v2`."""
        match = MODULE_OF_REPO.match(self.package) if self.language == "go" else None
        return match[1] if match else None

    @property
    def short_name(self) -> str:
        """Name without npm's scope or Maven's group, or of the module without its host and major version."""
        if self.language != "go":
            return re.split(r"[/:]", self.package)[-1]
        return (self.repo_in_name or MAJOR_VERSION.sub("", self.package)).rpartition("/")[2]

    @property
    def leading_folders(self) -> int:
        """Folders of the source archive above the source; in a module's zip, they are its path."""
        return self.package.count("/") + 1 if self.language == "go" else 1

    def folder_below(self, version: str) -> str:
        """Folder of the source, relative to the archive's leading folder."""
        return f"{self.package}@{version}".partition("/")[2] if self.language == "go" else ""


def parse_pair(text: str) -> ReleasePair:
    """Pair from one of the forms, optionally followed by ``repo=owner/name``."""
    first, *rest = text.split()
    language, match = next(
        ((name, match) for name, form in PAIR_FORMS if (match := form.fullmatch(first))), ("", None)
    )
    if match is None:
        raise BadPair(f"{first!r} is not a pair. Write it as {PAIR_EXAMPLES}.")
    repo = None
    for word in rest:
        key, _, value = word.partition("=")
        if key != "repo" or not REPO_NAME.fullmatch(value):
            raise BadPair(f"{word!r} is unknown. The pair may be followed by repo=owner/name.")
        repo = value
    _check_order(match["old"], match["new"])
    return ReleasePair(match["package"], match["old"], match["new"], repo, language)


def _check_order(old: str, new: str) -> None:
    try:
        ordered = Version(old) < Version(new)
    except InvalidVersion as error:
        raise BadPair(f"{error}. Write versions as in the package index.") from error
    if not ordered:
        raise BadPair(f"{old} is not older than {new}. Write the older release first.")


def pair_lines(content: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Pairs of a file with their line numbers; ``#`` starts a comment."""
    for number, line in enumerate(content, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield number, text
