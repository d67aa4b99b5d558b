"""Tests that ask for their user or for permissions, found in their text: what they expect does not happen to root."""

import ast
import re
import warnings
from collections.abc import Iterator, Mapping

from swefoundry.programs.intake.decoding import decode_text

_SIGN = re.compile(
    r"\bgete?uid\b|\bgetuser\(\) *[!=]=|(?:as|if|non|not|unless)_?root\b"
    r"|\bPermissionError\b|\bE(?:ACCES|PERM)\b|permission denied"
    r"|\bos\.access\b|\b[RWX]_OK\b|[\"']/root/|/etc/shadow",
    re.IGNORECASE,
)
_CHMOD = re.compile(r"\bchmod\(|[\"']chmod\b")
_GRANTS = re.compile(r"\b0o?[0-7]?[67][0-7]{2}\b|\bS_I(?:X|W|RWX|EXEC)|st_mode\)? *\|")
"""Modes that leave the owner able to read and write: a test sets them to run a file, or to clean up."""
_IMPORT = re.compile(r"\s*(?:from\s.*\s)?import\s")

_MAX_LISTED = 256


def root_sensitive_tests(sources: Mapping[str, bytes]) -> list[str]:
    """Return `path::test` of each such test function, and the path where the sign is outside of one: in a fixture, a
    helper, a constant of the module.
    """
    found = (
        place for path, source in sorted(sources.items()) for place in _places(path, decode_text(source))
    )
    return sorted(set(found))[:_MAX_LISTED]


def _places(path: str, text: str) -> Iterator[str]:
    lines = [number for number, line in enumerate(text.splitlines(), 1) if _is_sign(line)]
    spans = list(_test_spans(text)) if lines else []
    for line in lines:
        name = next((name for first, last, name in spans if first <= line <= last), "")
        yield f"{path}::{name}" if name else path


def _is_sign(line: str) -> bool:
    if _IMPORT.match(line):
        return False
    takes_away = _CHMOD.search(line) and ("~" in line or not _GRANTS.search(line))
    return bool(takes_away or _SIGN.search(line))


def _test_spans(text: str) -> Iterator[tuple[int, int, str]]:
    """First line, last line and name of each test function, its decorators included."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # invalid escapes and the like in foreign code
            nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # Python 2, or a file that is broken on purpose
    for node in nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            first = min((item.lineno for item in node.decorator_list), default=node.lineno)
            yield first, node.end_lineno or node.lineno, node.name
