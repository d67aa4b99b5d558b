"""Parse requirements as people write them."""

import re
from collections.abc import Iterable, Iterator

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

_MARKER_NAMES = frozenset(
    {"python_version", "python_implementation", "sys_platform", "platform_system", "extra"}
)
"""First words of the second line when setup.cfg breaks a requirement before its marker."""

_LEADING_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*[A-Za-z0-9]|[A-Za-z])(?=\s|$|[<>=!~;(\[])")


def requirements_in(lines: Iterable[str]) -> Iterator[Requirement]:
    """Parse lines as requirements; of invalid ones (`foo == 1.*.2`) take the name.

    Those with a place of their own (`foo @ git+…`) are left out: their names say nothing about the package index.
    """
    for line in lines:
        try:
            requirement = Requirement(line.strip())
        except InvalidRequirement:
            match = _LEADING_NAME.match(line.strip())
            if match is None or match[1] in _MARKER_NAMES or re.search(r"\s@\s|@\s*\w+(?:\+\w+)?:", line):
                continue
            requirement = Requirement(match[1])
        if requirement.url is None:
            yield requirement


def requirement_name(line: str) -> str:
    """Return the canonical name; empty when the line has none."""
    found = next(requirements_in((line,)), None)
    return "" if found is None else str(canonicalize_name(found.name))
