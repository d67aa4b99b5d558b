"""Is a row's patch one that git can apply? What git refuses for its form is refused here, before a pod runs."""

import re
from typing import Any

from swefoundry.cli.datasets.rows.columns import BadColumn, text_column

DIFF_HEADER = re.compile(r"^(?:diff --git |--- )", re.MULTILINE)
MISSING_BINARY = re.compile(r"^Binary files (?P<files>.+) differ\r?$", re.MULTILINE)


def patch_column(row: dict[str, Any], name: str, empty_hint: str) -> bytes:
    """The patch byte for byte, CRLF included; ``empty_hint`` says what a missing one means.

    git calls a patch whose last line has no end corrupt, and some data sets strip it, so it is put back.
    """
    content = text_column(row, name)
    if not content.strip():
        raise BadColumn(f"{name}: is empty. {empty_hint}")
    if not DIFF_HEADER.search(content):
        raise BadColumn(f"{name}: is not a unified diff (no line starts with `diff --git` or `---`)")
    if (found := MISSING_BINARY.search(content)) is not None:
        raise BadColumn(
            f"{name}: names a binary file without its content ({found['files'][:120]}). "
            "Make the patch again with `git diff --binary`."
        )
    return encode_text(name, content if content.endswith("\n") else content + "\n")


def encode_text(name: str, content: str) -> bytes:
    try:
        return content.encode()
    except UnicodeEncodeError as error:
        raise BadColumn(f"{name}: holds half a character (a lone surrogate) at {error.start}") from error
