"""Patterns of test files in the scripts of a manifest, as far as they can be told from other words."""

import re
from collections.abc import Iterable, Sequence

_OTHER_OPTION = re.compile(r"^--?\S*(?:ignore|exclude|skip|cov|watch|external|require|import)", re.IGNORECASE)
"""Options whose value may have a pattern, which is of other files."""
_PARTS = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
_WILDCARD = re.compile(r"(\*\*/|\*\*|\*|\?)")
_PLAIN = re.compile(r"[\w./@ *?-]+")
_FILE = re.compile(r"\.[cm]?[jt]sx?$")


def file_patterns(words: Sequence[str]) -> tuple[str, ...]:
    """Return the words with wildcards, and the names of files, among a program's arguments.

    None of them where one is of a kind that is not understood: files that it is for would be left out. A name after an
    option is that option's value.
    """
    following = zip(["", *words], words, strict=False)
    found = [word for before, word in following if not word.startswith("-") and _names_files(word, before)]
    return tuple(found) if all(map(_PLAIN.fullmatch, found)) else ()


def _names_files(word: str, before: str) -> bool:
    if _WILDCARD.search(word):
        return not _OTHER_OPTION.match(before)
    return _FILE.search(word) is not None and not before.startswith("-")


def pattern_of(folder: str, patterns: Iterable[str]) -> str:
    """Return a regular expression, of Python and of JavaScript, for paths below a folder that one pattern matches."""
    prefix = re.escape(f"{folder}/") if folder else ""
    alternatives = (
        "".join(_PARTS.get(part) or re.escape(part) for part in _WILDCARD.split(each.removeprefix("./")))
        for each in patterns
    )
    return f"^{prefix}(?:{'|'.join(alternatives)})$"
