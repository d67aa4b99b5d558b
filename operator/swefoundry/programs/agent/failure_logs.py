"""What do the logs of the last round say? The telling lines and the end of each log that its outcome depends on."""

from dataclasses import dataclass

from swefoundry.contracts.agent import PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.errors import NotFound
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.text.log_excerpt import log_excerpt

LOG_BYTES = 32 << 20
OUTPUT = "output.log"
TELLING_CHARACTERS = 6000
LAST_LINES = 40
LINE_CHARACTERS = 300
_BEFORE_COUNTS = (RoundOutcome.BOTH_PASSED, RoundOutcome.BEFORE_UNCLEAR)
"""Where it is the log of `before` that tells; else it only shows the failures that are wanted."""


@dataclass(frozen=True)
class Logs:
    """Excerpts; empty where there is no log."""

    build: str = ""
    before: str = ""
    after: str = ""

    @property
    def named(self) -> dict[str, str]:
        """Those that there are."""
        found = {"the build": self.build, "the tests before the fix": self.before, "the tests": self.after}
        return {name: text for name, text in found.items() if text}


async def logs(registry: RegistryClient, repository: str, past: PastRound) -> Logs:
    """Excerpts of the logs of a round; a log that is gone is left out."""
    if not past.probes:
        return Logs(build=await _build_log(registry, repository, past.build_log))
    tested = past.probes.get(Stage.AFTER) or past.probes.get(Stage.BASE)
    before = past.probes.get(Stage.BEFORE) if past.outcome in _BEFORE_COUNTS else None
    return Logs(
        before=await _output(registry, repository, before), after=await _output(registry, repository, tested)
    )


def excerpt(log: str) -> str:
    """What says most, and the end."""
    lines = [line[:LINE_CHARACTERS] for line in log.splitlines() if line.strip()]
    telling = log_excerpt(log, TELLING_CHARACTERS)
    if len(lines) <= LAST_LINES:
        return "\n".join(lines)
    return "\n".join([telling, f"--- the last {LAST_LINES} lines ---", *lines[-LAST_LINES:]])


async def _build_log(registry: RegistryClient, repository: str, digest: Digest | None) -> str:
    if digest is None:
        return ""
    try:
        return excerpt((await registry.get_blob(repository, digest, LOG_BYTES)).decode("utf-8", "replace"))
    except NotFound:
        return ""


async def _output(registry: RegistryClient, repository: str, digest: Digest | None) -> str:
    if digest is None:
        return ""
    try:
        files = await pull_artifact(registry, repository, digest, LOG_BYTES, only=(OUTPUT,))
    except NotFound:
        return ""
    return excerpt(files.get(OUTPUT, b"").decode("utf-8", "replace"))
