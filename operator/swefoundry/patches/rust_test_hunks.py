"""Split a patch of Rust files into the fix and the tests within the same files: `#[cfg(test)]` modules. Pure.

Nothing but the patch is read. A hunk is of tests when its header names a module of tests as the last line before it
that begins in the first column, or when it has the beginning of one; rustfmt writes all that is in a module further
right.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from swefoundry.patches.parsed_patch import FileDiff, Hunk
from swefoundry.patches.patch_parser import parse_patch

_HEADER = re.compile(
    rb"@@ -(?P<old>\d+)(?P<old_size>,\d+)? \+(?P<new>\d+)(?P<new_size>,\d+)? @@(?P<rest>.*)", re.DOTALL
)
_TEST_MODULE = re.compile(rb"\s*(?:pub(?:\(\w+\))? )?mod (?:tests?|\w+_tests?|tests?_\w+) \{\s*$")
_ANY_MODULE = re.compile(rb"(?:pub(?:\(\w+\))? )?mod \w+ \{")
_CFG_TEST = b"#[cfg(test)]"
_ITEM = re.compile(
    rb"#!?\[|//|(?:pub|impl|extern)\b|macro_rules!"
    rb"|(?:fn|struct|enum|union|mod|use|const|static|trait|type|unsafe|async) "
)
"""Begins an item in the first column, where texts over several lines in a test may begin, too."""


class HunkPart(StrEnum):
    """Part of a change that a hunk belongs to."""

    CODE = "code"
    TESTS = "tests"
    BOTH = "both"


@dataclass(frozen=True)
class SplitPatch:
    """Two patches that make one together: the tests are applied first."""

    gold: bytes
    tests: bytes


class Inseparable(Exception):
    """A hunk changes tests and other code; the message says which."""


def split_test_modules(patch: bytes, is_test_file: Callable[[str], bool]) -> SplitPatch | None:
    """Return the patch without its tests, and these; None where it has no tests in Rust files, or nothing else.

    Whole files for which ``is_test_file`` holds are tests as well. Raises :class:`Inseparable`.
    """
    lines = patch.splitlines(keepends=True)
    gold, tests = list[bytes](), list[bytes]()
    within_files = False
    for file in parse_patch(patch).files:
        if is_test_file(file.path.decode("utf-8", "replace")):
            tests += lines[file.line : file.end]
            continue
        parts = _parts(file, lines)
        within_files |= HunkPart.TESTS in parts
        gold += _rendered(file, lines, parts, HunkPart.CODE)
        tests += _rendered(file, lines, parts, HunkPart.TESTS)
    return SplitPatch(b"".join(gold), b"".join(tests)) if within_files and gold else None


def _parts(file: FileDiff, lines: list[bytes]) -> list[HunkPart]:
    if not file.path.endswith(b".rs") or file.metadata or file.binary:
        return [HunkPart.CODE] * len(file.hunks)
    parts = [_part(hunk, lines[hunk.line - 1]) for hunk in file.hunks]
    for hunk, part in zip(file.hunks, parts, strict=True):
        if part is HunkPart.BOTH:
            raise Inseparable(f"the hunk in line {hunk.line} changes a module of tests and other code")
    return parts


def _part(hunk: Hunk, header: bytes) -> HunkPart:
    """Follow the lines of a hunk into a module of tests and out of it again."""
    match = _HEADER.match(header)
    inside = match is not None and _TEST_MODULE.match(match["rest"]) is not None
    opening, changed = list[bool](), set[HunkPart]()
    for line in hunk.body:
        sign, text = line[:1], line[1:]
        changes = sign in (b"+", b"-") and bool(text.strip())
        if not inside and (text.startswith(_CFG_TEST) or (opening and text.startswith(b"#["))):
            opening.append(changes)
            continue
        if opening:
            inside = _ANY_MODULE.match(text) is not None
            changed |= {HunkPart.TESTS if inside else HunkPart.CODE} if any(opening) else set()
            opening = []
        elif inside and _ITEM.match(text):
            return HunkPart.BOTH
        if changes:
            changed.add(HunkPart.TESTS if inside else HunkPart.CODE)
        inside = inside and not text.startswith(b"}")
    return changed.pop() if len(changed) == 1 else HunkPart.BOTH if changed else HunkPart.CODE


def _rendered(file: FileDiff, lines: list[bytes], parts: list[HunkPart], requested: HunkPart) -> list[bytes]:
    """Return a file's diff with the hunks of one part; nothing where it has none.

    The other hunks of a file that is split move its lines: those of the tests are applied first.
    """
    if requested not in parts and (parts or requested is HunkPart.TESTS):
        return []
    if len(set(parts)) < 2:
        return lines[file.line : file.end]
    head = [each for each in lines[file.line : file.hunks[0].line - 1] if not each.startswith(b"index ")]
    rendered, of_tests, of_requested = head, 0, 0
    for hunk, part in zip(file.hunks, parts, strict=True):
        grown = sum(line[:1] == b"+" for line in hunk.body) - sum(line[:1] == b"-" for line in hunk.body)
        if part is requested:
            base = of_tests if requested is HunkPart.CODE else 0
            rendered += [_moved(lines[hunk.line - 1], base, base + of_requested), *hunk.body]
            of_requested += grown
        of_tests += grown if part is HunkPart.TESTS else 0
    return rendered


def _moved(header: bytes, old: int, new: int) -> bytes:
    """Return a hunk's header with its places counted from that of the old side."""
    match = _HEADER.match(header)
    if match is None:
        raise AssertionError(f"not the header of a hunk: {header!r}")
    start = int(match["old"])
    # A side without lines is named by the line before it.
    empty_old, empty_new = match["old_size"] == b",0", match["new_size"] == b",0"
    first = start + new + int(empty_old) - int(empty_new)
    sizes = match["old_size"] or b"", match["new_size"] or b""
    return b"@@ -%d%s +%d%s @@%s" % (start + old, sizes[0], first, sizes[1], match["rest"])
