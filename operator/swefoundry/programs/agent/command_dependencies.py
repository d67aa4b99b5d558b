"""Whether a change of a Dockerfile concerns the commands that were written for it. Pure."""

import re
from collections import Counter
from collections.abc import Iterator

from swefoundry.contracts.draft import Draft

_NAME = re.compile(r"[A-Za-z](?:[\w-]*[A-Za-z_-])?(?=\d+\.\d)|[A-Za-z][\w-]+|\d+(?:\.\d+)+")
"""Names of programs and packages, and versions with a dot; `python3.9` is one of each."""
_SURROUNDINGS = re.compile(r"^\s*(WORKDIR|USER|SHELL|ENV\s+(PATH|HOME|[A-Z]*PATH)\b)", re.IGNORECASE)
"""Instructions that decide where a command runs, as whom, and which programs it finds."""
_FROM = re.compile(r"^\s*FROM\s+(--\S+\s+)*(?P<image>[^\s:@]+)(?P<version>\S*)", re.IGNORECASE)


def change_concerns_commands(current: Draft, dockerfile: str) -> bool:
    """Whether the new Dockerfile adds, removes or changes something that a command of the current draft names.

    A doubt counts as yes: then the Test Manager is asked, which costs a turn.
    """
    if _lines(current.dockerfile, _SURROUNDINGS) != _lines(dockerfile, _SURROUNDINGS):
        return True
    before, after = Counter(_words(current.dockerfile)), Counter(_words(dockerfile))
    changed = set(((before - after) + (after - before)).elements())
    commands = f"{current.test_command} {current.rebuild_command or ''}".replace("{files}", "")
    return not _names(" ".join(changed)).isdisjoint(_names(commands))


def _lines(dockerfile: str, pattern: re.Pattern[str]) -> list[str]:
    return [" ".join(line.split()) for line in dockerfile.splitlines() if pattern.search(line)]


def _words(dockerfile: str) -> Iterator[str]:
    """The words of all instructions; an image's name and its tag are words of their own."""
    for line in dockerfile.splitlines():
        if line.lstrip().startswith("#"):
            continue
        image = _FROM.match(line)
        yield from (image["image"], image["version"]) if image else line.split()


def _names(text: str) -> set[str]:
    return set(_NAME.findall(text))
