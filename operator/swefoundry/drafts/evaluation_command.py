"""How a draft's test command becomes the command of one evaluation."""

import json
import shlex
from collections.abc import Sequence

FILES_PLACEHOLDER = "{files}"
"""What a test command says where the test files are to stand."""
NO_FILES_NOTE = (
    "no file of the test patch looks like a test, so {files} stood for nothing in the test command: name the tests "
    "in environment.overrides.testCommand"
)


def expand_files(template: str, files: Sequence[str]) -> str:
    """Put the test files, quoted, where the template says ``{files}``; other braces stay as they are."""
    return template.replace(FILES_PLACEHOLDER, " ".join(shlex.quote(name) for name in files))


def no_files_note(template: str, test_files: int) -> str:
    """What a person should know of a command whose ``{files}`` stands for nothing; empty when all is well.

    It is no reason to refuse the command: with pytest it runs the whole suite, which may be what is wanted. But
    ``sh {files}`` tests nothing, and passes.
    """
    return NO_FILES_NOTE if FILES_PLACEHOLDER in template and not test_files else ""


COMMAND_LIMIT_BYTES = 98_304
"""A shell gets its command as one argument, of which Linux takes 131,072 bytes (MAX_ARG_STRLEN), and the order of an
evaluation holds it escaped.
"""


def command_length_problem(template: str, files: Sequence[str]) -> str:
    """What is wrong with a command that no shell would take; empty when it is short enough."""
    size = len(json.dumps(expand_files(template, files), ensure_ascii=False).encode())
    if size <= COMMAND_LIMIT_BYTES:
        return ""
    return (
        f"The test command has {size} bytes with its {len(files)} test files, more than the {COMMAND_LIMIT_BYTES} that "
        "can be passed on; name their folders instead of {files}."
    )
