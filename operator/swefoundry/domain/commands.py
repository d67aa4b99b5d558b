"""How a draft's test command becomes the command of one evaluation."""

import shlex
from collections.abc import Sequence


def expand(template: str, files: Sequence[str]) -> str:
    """Put the test files, quoted, where the template says ``{files}``; other braces stay as they are."""
    return template.replace("{files}", " ".join(shlex.quote(name) for name in files))
