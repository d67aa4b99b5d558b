"""Reader of patch columns: rejects, before a pod runs, patches whose form git does not accept."""

import re
from typing import Any

from swefoundry.cli.datasets.rows.columns import BadColumn, text_column

DIFF_HEADER = re.compile(r"^(?:diff --git |--- )", re.MULTILINE)
MISSING_BINARY = re.compile(r"^Binary files (?P<files>.+) differ\r?$", re.MULTILINE)


def patch_column(row: dict[str, Any], name: str, empty_hint: str) -> bytes:
    """The patch byte for byte, CRLF included; ``empty_hint`` explains why an empty one is rejected.

    git calls a patch without a newline at the end corrupt, and some data sets strip it, so it is added again.
    """
    content = text_column(row, name)
    if not content.strip():
        raise BadColumn(f"{name}: is empty. {empty_hint}")
    if not DIFF_HEADER.search(content):
        raise BadColumn(f"{name}: is not a unified diff (no line starts with `diff --git` or `---`)")
    if (match := MISSING_BINARY.search(content)) is not None:
        raise BadColumn(
            f"{name}: names a binary file without its content ({match['files'][:120]}). "
            "Make the patch again with `git diff --binary`."
        )
    return encode_text(name, content if content.endswith("\n") else content + "\n")


def encode_text(name: str, content: str) -> bytes:
    """UTF-8 bytes of a column's text."""
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        raise BadColumn(
            f"{name}: has a lone surrogate, which is not a character, at {error.start}"
        ) from error
