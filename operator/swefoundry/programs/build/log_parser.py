"""Parse buildah's log into the parts that show how a build ended. Nothing is classified here."""

import re
from dataclasses import dataclass

from swefoundry.text.log_excerpt import log_excerpt

TAIL_CHARACTERS = 3000
"""More do not fit into a record of 4096 bytes."""

_STEP = re.compile(r"(?:\[\d+/\d+\] )?STEP \d+/\d+: (.*)")
_NOISE = re.compile(
    r"subprocess exited with status |Error: |\[Warning\] one or more build args|swefoundry: |--> "
    r"|(?:\[\d+/\d+\] )?COMMIT|time=\S+ level=|Trying to pull|Getting image source|Copying (?:blob|config)"
    r"|Writing manifest|Resolving \""
)
_ESCAPE_CODE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class BuildahLog:
    """The parts of a log that matter."""

    error: str = ""
    """buildah's last error line without ``Error: ``; empty when there is none."""
    opened: str | None = None
    """The last step that began, as buildah announced it."""
    output: tuple[str, ...] = ()
    """The output of that step, without buildah's own lines."""

    @property
    def tail(self) -> tuple[str, ...]:
        """The most diagnostic lines: the cause of a failed compilation is often far above the end of its log."""
        return tuple(log_excerpt("\n".join(self.output), TAIL_CHARACTERS).splitlines())


def parse_log(log: str) -> BuildahLog:
    """Parse a log. The last match counts: steps can print lines like buildah's own, but the last one is buildah's."""
    error: str = ""
    opened: str | None = None
    output: list[str] = []
    for line in map(strip_escape_codes, log.split("\n")):
        if step := _STEP.match(line):
            opened, output = step[1].strip(), []
        elif line.startswith("Error: "):
            error = line.removeprefix("Error: ").strip()
        elif line and not _NOISE.match(line):
            output.append(line)
    return BuildahLog(error, opened, tuple(output))


def strip_escape_codes(line: str) -> str:
    """Without colours and, of a line that was overwritten, the last text."""
    return _ESCAPE_CODE.sub("", line).rstrip().rsplit("\r", 1)[-1]
