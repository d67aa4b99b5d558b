"""Functions and other items of tests that stand beside the Rust code that they test, in no module of their own."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_TEST_ATTRIBUTE = rb"#\[(?:cfg\(test\)|(?:\w+::)*(?:test|rstest|quickcheck)(?:\([^\n]*\))?)\]\n"
_ITEM = re.compile(
    rb"^(?:#\[[^\n]*\]\n)*?" + _TEST_ATTRIBUTE + rb"(?:#\[[^\n]*\]\n)*"
    rb"(?!#|(?:pub(?:\(\w+\))? )?mod\b|extern crate (?:std|alloc|core)\b)"
    rb"\S[^\n]*(?:(?<=[;}])\n|(?<![;}])\n(?:\n|[^\n\])}][^\n]*\n)*?[\])}][^\n]*\n)",
    re.MULTILINE,
)
"""An item with `#[test]` or `#[cfg(test)]` that begins and ends in the first column, other than a module.

`extern crate std` is none of the tests: without the fix's `#![no_std]` that name is defined twice.
"""
_END_OF_ITEM = re.compile(rb"[\])}]|[^\s/].*;$|//|#!?\[.*\]$")


@dataclass(frozen=True)
class _Piece:
    """An item of tests, or a line of other code."""

    text: bytes
    is_test: bool


def with_test_items(old: bytes, new: bytes) -> bytes | None:
    """Return the old file with the items of tests of the new one.

    None where these are equal, and where one would be put into the middle of other code.
    """
    before, after = _pieces(old), _pieces(new)
    mixed = list[_Piece]()
    for tag, low, high, first, last in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            mixed += before[low:high]
            continue
        tests = _tests_with_blanks(after[first:last])
        if tests and not _ends_item(mixed):
            return None
        mixed += [*tests, *(each for each in before[low:high] if not each.is_test)]
    text = b"".join(each.text for each in mixed)
    return text if text != old and _tests(_pieces(text)) == _tests(after) != _tests(before) else None


def _pieces(text: bytes) -> list[_Piece]:
    found, at = list[_Piece](), 0
    for match in _ITEM.finditer(text):
        found += [_Piece(line, is_test=False) for line in text[at : match.start()].splitlines(keepends=True)]
        found.append(_Piece(match[0], is_test=True))
        at = match.end()
    return [*found, *(_Piece(line, is_test=False) for line in text[at:].splitlines(keepends=True))]


def _tests(pieces: Sequence[_Piece]) -> list[bytes]:
    return [each.text for each in pieces if each.is_test]


def _tests_with_blanks(pieces: Sequence[_Piece]) -> list[_Piece]:
    """Return items of tests, each with the blank lines that follow it."""
    found = list[_Piece]()
    after_test = False
    for each in pieces:
        after_test = each.is_test or (after_test and not each.text.strip())
        found += [each] if after_test else []
    return found


def _ends_item(pieces: Sequence[_Piece]) -> bool:
    """Whether an item may begin after the pieces."""
    last = next((each for each in reversed(pieces) if each.text.strip()), None)
    return last is None or last.is_test or _END_OF_ITEM.match(last.text.rstrip()) is not None
