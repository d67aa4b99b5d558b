"""Replace requirements that name the project's own extras: `thing[all]`, `.[test]`, `-e .[dev]`."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from swefoundry.drafts.recipes.python.declared import DeclaredMetadata, normalized_group

_OWN_PATH = re.compile(
    r"^(?:-e\s*|--editable[ =]\s*)?(\.[\w./-]*|[\w-]+/[\w./-]*)\s*(?:\[([\w\s,.-]*)\])?\s*$"
)


def with_own_extras(declared: DeclaredMetadata, folder: str = "") -> DeclaredMetadata:
    """Return the metadata with own extras in place of their names; the project itself is left out."""
    own = _OwnExtras(declared, folder)
    return replace(
        declared,
        runtime=own.expand(declared.runtime),
        test=own.expand(declared.test),
        dev=own.expand(declared.dev),
        features=own.expand(declared.features),
        extras={name: own.expand(items) for name, items in declared.extras.items()},
    )


class _OwnExtras:
    def __init__(self, declared: DeclaredMetadata, folder: str) -> None:
        self._name = canonicalize_name(declared.name) if declared.name else None
        self._folder = folder or "."
        self._extras: Mapping[str, tuple[str, ...]] = declared.extras

    def expand(self, lines: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._expanded(lines, frozenset())))

    def _expanded(self, lines: Iterable[str], inside: frozenset[str]) -> Iterator[str]:
        """Extras that name each other in a circle end where the circle closes."""
        for line in lines:
            named = self._own_extras_of(line)
            if named is None:
                yield line
                continue
            extras, marker = named
            for extra in sorted(extras - inside):
                items = self._expanded(self._extras.get(extra, ()), inside | {extra})
                yield from (_with_marker(item, marker) for item in items)

    def _own_extras_of(self, line: str) -> tuple[frozenset[str], str] | None:
        """Return the extras and the marker of a requirement on the project itself; None for any other."""
        path = _OWN_PATH.match(line.strip())
        if path is not None:
            is_own = posixpath.normpath(path[1]) in (self._folder, ".")
            return (_normalized((path[2] or "").split(",")), "") if is_own else None
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            return None
        if requirement.url or self._name is None or canonicalize_name(requirement.name) != self._name:
            return None
        return _normalized(requirement.extras), str(requirement.marker or "")


def _normalized(names: Iterable[str]) -> frozenset[str]:
    return frozenset(normalized_group(name.strip()) for name in names if name.strip())


def _with_marker(line: str, marker: str) -> str:
    if not marker:
        return line
    requirement, separator, own = line.partition(";")
    return f"{requirement.strip()} ; " + (f"({own.strip()}) and ({marker})" if separator else marker)
