"""Which releases does the user mean by `PKG:OLD..NEW`?"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from packaging.version import InvalidVersion, Version

PAIR_TEXT = re.compile(
    r"(?P<package>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?):(?P<old>\S+?)\.\.(?P<new>\S+)"
)
REPO_NAME = re.compile(r"[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+")


class BadPair(Exception):
    """The text is not a pair; the message says why, for people."""


@dataclass(frozen=True)
class ReleasePair:
    """Two releases of one package."""

    package: str
    old: str
    new: str
    repo: str | None = None
    """owner/name, where the user says it; else it is taken from the package's metadata."""

    def __str__(self) -> str:
        return f"{self.package}:{self.old}..{self.new}"


def parse_pair(text: str) -> ReleasePair:
    """``PKG:OLD..NEW``, then perhaps ``repo=owner/name``."""
    first, *rest = text.split()
    found = PAIR_TEXT.fullmatch(first)
    if found is None:
        raise BadPair(f"{first!r} is not a pair. Write it as itsdangerous:2.1.0..2.1.1.")
    repo = None
    for word in rest:
        key, _, value = word.partition("=")
        if key != "repo" or not REPO_NAME.fullmatch(value):
            raise BadPair(f"{word!r} is not known. After the pair there may be repo=owner/name.")
        repo = value
    _check_order(found["old"], found["new"])
    return ReleasePair(found["package"], found["old"], found["new"], repo)


def _check_order(old: str, new: str) -> None:
    try:
        ordered = Version(old) < Version(new)
    except InvalidVersion as error:
        raise BadPair(f"{error}. Versions are written as the package index has them.") from error
    if not ordered:
        raise BadPair(f"{old} is not before {new}. The older release comes first.")


def pair_lines(content: Iterable[str]) -> Iterator[tuple[int, str]]:
    """The pairs of a file with their line numbers; ``#`` starts a comment."""
    for number, line in enumerate(content, 1):
        text = line.partition("#")[0].strip()
        if text:
            yield number, text
