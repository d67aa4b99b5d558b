"""How a draft's test command becomes the command of one evaluation."""

import json
import shlex
from collections.abc import Sequence


def expand(template: str, files: Sequence[str]) -> str:
    """Put the test files, quoted, where the template says ``{files}``; other braces stay as they are."""
    return template.replace("{files}", " ".join(shlex.quote(name) for name in files))


COMMAND_LIMIT_BYTES = 98_304
"""A shell gets its command as one argument, of which Linux takes 131,072 bytes (MAX_ARG_STRLEN), and the order of an
evaluation holds it escaped.
"""


def too_long(template: str, files: Sequence[str]) -> str:
    """What is wrong with a command that no shell would take; empty when it is short enough."""
    size = len(json.dumps(expand(template, files), ensure_ascii=False).encode())
    if size <= COMMAND_LIMIT_BYTES:
        return ""
    return (
        f"The test command has {size} bytes with its {len(files)} test files, more than the {COMMAND_LIMIT_BYTES} that "
        "can be passed on; name their folders instead of {files}."
    )
