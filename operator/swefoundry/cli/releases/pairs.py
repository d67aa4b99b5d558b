"""Parser of `PKG:OLD..NEW`, a pair of releases."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

PAIR_TEXT = re.compile(
    r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<old>\S+?)\.\.(?P<new>\S+)"
)
REPO_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


class BadPair(Exception):
    """The text is not a pair; the message says why."""


@dataclass(frozen=True)
class ReleasePair:
    """Two releases of one package."""

    package: str
    old: str
    new: str
    repo: str | None = None
    """owner/name as given by the user; None to take it from the package's metadata."""

    def __str__(self) -> str:
        return f"{self.package}:{self.old}..{self.new}"


def parse_pair(text: str) -> ReleasePair:
    """Pair from ``PKG:OLD..NEW``, optionally followed by ``repo=owner/name``."""
    first, *rest = text.split()
    match = PAIR_TEXT.fullmatch(first)
    if match is None:
        raise BadPair(f"{first!r} is not a pair. Write it as itsdangerous:2.1.0..2.1.1.")
    repo = None
    for word in rest:
        key, _, value = word.partition("=")
        if key != "repo" or not REPO_NAME.fullmatch(value):
            raise BadPair(f"{word!r} is unknown. The pair may be followed by repo=owner/name.")
        repo = value
    _check_order(match["old"], match["new"])
    return ReleasePair(match["package"], match["old"], match["new"], repo)


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
