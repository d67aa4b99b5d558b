"""Turn a draft's test command into the command of one evaluation."""

import json
import shlex
from collections.abc import Sequence

FILES_PLACEHOLDER = "{files}"
"""Placeholder for the test files in a test command."""
NO_FILES_NOTE = (
    "no file of the test patch is recognized as a test, so {files} was empty in the test command: name the tests "
    "in environment.overrides.testCommand"
)


def expand_files(template: str, files: Sequence[str]) -> str:
    """Replace ``{files}`` by the quoted test files; other braces stay."""
    return template.replace(FILES_PLACEHOLDER, " ".join(shlex.quote(name) for name in files))


def no_files_note(template: str, test_files: int) -> str:
    """Return a note when ``{files}`` is replaced by nothing; empty otherwise.

    The command is not refused: with pytest it runs the whole suite, which may be intended. But ``sh {files}`` tests
    nothing, and passes.
    """
    return NO_FILES_NOTE if FILES_PLACEHOLDER in template and not test_files else ""


COMMAND_LIMIT_BYTES = 98_304
"""A shell receives its command as one argument, which Linux limits to 131,072 bytes (MAX_ARG_STRLEN), and the spec of
an evaluation contains it escaped.
"""


def command_length_problem(template: str, files: Sequence[str]) -> str:
    """Return a sentence when a command is too long for a shell; empty otherwise."""
    size = len(json.dumps(expand_files(template, files), ensure_ascii=False).encode())
    if size <= COMMAND_LIMIT_BYTES:
        return ""
    return (
        f"The test command has {size} bytes with its {len(files)} test files, more than the {COMMAND_LIMIT_BYTES} that "
        "can be passed on; name their folders instead of {files}."
    )
