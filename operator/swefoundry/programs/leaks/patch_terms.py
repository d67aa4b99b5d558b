"""Terms that stand for a patch: lines, test names and file names that it adds and that little else would have.

A false finding takes a good instance out of the export, so a term must be long, have several words, and not be in the
tree that the image was built from. Manifests and lock files are left out: whoever installs a newer version of the same
dependency writes the same lines. So are changelogs and pages: a statement may be made of them.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from swefoundry.contracts.intake import PatchName
from swefoundry.contracts.leaks import LeakKind
from swefoundry.patches.parsed_patch import FileDiff, ParsedPatch
from swefoundry.patches.patch_parser import parse_patch

MIN_LINE_CHARACTERS = 30
MAX_LINE_CHARACTERS = 400
"""Longer lines are data."""
MIN_LINE_WORDS = 3
LONE_CHARACTERS = 72
LONE_WORDS = 6
"""One such line is enough; of shorter ones a file must have two."""
MIN_TEST_CHARACTERS = 18
LONE_TEST_CHARACTERS = 40
MIN_NAME_CHARACTERS = 12
"""Of a file's name, without its extension and without `test`."""
TERMS_PER_GROUP = 16
"""Of each patch and kind the longest ones are searched: each costs time in every file of the image."""

_WORD = re.compile(rb"[A-Za-z_]{3,}")
_TEST_NAME = re.compile(rb"\b[Tt]est_?[A-Za-z0-9_]{4,}")
_COMMENT = re.compile(rb"#|//|/?\*|--|<!--|;|%|\.\.|\"\"\"")
_IMPORT = re.compile(rb"(?:from|import|use|using|package|require|include|#include|export \* from)\b")
_DATA_NAMES = re.compile(
    r"(?:.*\.(?:lock|json|sum|mod|toml|cfg|ini|txt|ya?ml|xml|csv|svg|po|pot|snap|map|min\.js|md|rst|adoc|html?)"
    r"|go\.\w+|Gemfile.*|(?:change|news|histor|readme|author|licen[cs]e|copying|release).*)$",
    re.IGNORECASE,
)
_COMMON_STEM = re.compile(r"test|spec|[^a-z0-9]")


@dataclass(frozen=True)
class Term:
    """A text to search for."""

    text: bytes
    kind: LeakKind
    patch: PatchName
    line: int
    """Of the patch, from 1."""

    @property
    def is_enough_alone(self) -> bool:
        """Whether a file that has this term needs no other one to be a finding."""
        if self.kind is LeakKind.TEST_IDS:
            return len(self.text) >= LONE_TEST_CHARACTERS
        return len(self.text) >= LONE_CHARACTERS and len(_WORD.findall(self.text)) >= LONE_WORDS


@dataclass(frozen=True)
class PatchTerms:
    """What is searched for of both patches."""

    terms: tuple[Term, ...]
    files: frozenset[str]
    """Paths that the patches add and whose names are specific."""


def read_terms(patches: Mapping[PatchName, bytes]) -> PatchTerms:
    """Every candidate of both patches, each text once."""
    parsed = {name: parse_patch(data) for name, data in sorted(patches.items())}
    terms: dict[bytes, Term] = {}
    for name, patch in parsed.items():
        for term in _candidates(name, patch):
            terms.setdefault(term.text, term)
    files = {path for patch in parsed.values() for path in _added_files(patch)}
    return PatchTerms(tuple(terms.values()), frozenset(files))


def select_terms(terms: Iterable[Term]) -> tuple[Term, ...]:
    """The longest of each patch and kind, none of which is part of another."""
    groups: dict[tuple[PatchName, LeakKind], list[Term]] = {}
    for term in sorted(terms, key=lambda each: (-len(each.text), each.text)):
        group = groups.setdefault((term.patch, term.kind), [])
        if len(group) < TERMS_PER_GROUP and not any(term.text in longer.text for longer in group):
            group.append(term)
    return tuple(term for group in groups.values() for term in group)


def are_specific(terms: Iterable[Term]) -> bool:
    """Whether the terms that one text has are enough to call it a copy."""
    found = list(terms)
    return len(found) > 1 or any(term.is_enough_alone for term in found)


def _candidates(name: PatchName, patch: ParsedPatch) -> Iterator[Term]:
    for file in patch.files:
        data = _DATA_NAMES.match(posixpath.basename(_text(file.path)))
        for number, line in _added_lines(file):
            text = line.strip()
            if not data and _is_specific_line(text):
                yield Term(text, LeakKind.PATCH_LINES, name, number)
            if name == "test":
                yield from (
                    Term(test, LeakKind.TEST_IDS, name, number)
                    for test in _TEST_NAME.findall(text)
                    if len(test) >= MIN_TEST_CHARACTERS
                )


def _added_lines(file: FileDiff) -> Iterator[tuple[int, bytes]]:
    for hunk in file.hunks:
        for offset, line in enumerate(hunk.body, start=hunk.line + 1):
            if line.startswith(b"+"):
                yield offset, line[1:]


def _is_specific_line(text: bytes) -> bool:
    return (
        MIN_LINE_CHARACTERS <= len(text) <= MAX_LINE_CHARACTERS
        and len(_WORD.findall(text)) >= MIN_LINE_WORDS
        and not _COMMENT.match(text)
        and not _IMPORT.match(text)
    )


def _added_files(patch: ParsedPatch) -> Iterator[str]:
    for file in patch.files:
        path = _text(file.path)
        name = posixpath.basename(path)
        stem = _COMMON_STEM.sub("", name.partition(".")[0].lower())
        added = file.moved is not None or (file.old is None and file.new is not None)
        if added and not _DATA_NAMES.match(name) and len(stem) >= MIN_NAME_CHARACTERS:
            yield path


def _text(path: bytes) -> str:
    return path.decode("utf-8", "surrogateescape")
