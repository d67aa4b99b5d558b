"""Excerpts of the logs of a failed round: the most diagnostic lines and the end of each log that explains it."""

from dataclasses import dataclass

from swefoundry.contracts.agent import PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import OUTPUT_FILE
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.errors import NotFound
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.text.log_excerpt import log_excerpt

STORED_LOG_LIMIT_BYTES = 32 << 20
EXCERPT_CHARACTERS = 6000
LAST_LOG_LINES = 40
LOG_LINE_CHARACTERS = 300
_BEFORE_LOG_OUTCOMES = (RoundOutcome.BOTH_PASSED, RoundOutcome.BEFORE_UNCLEAR)
"""Outcomes that the log of `before` explains. In all others it shows the failures that are expected without the fix."""


@dataclass(frozen=True)
class FailureLogs:
    """Excerpts; empty where there is no log."""

    build: str = ""
    before: str = ""
    after: str = ""

    @property
    def by_name(self) -> dict[str, str]:
        """The excerpts that are not empty, by the name that prompts use."""
        logs = {"the build": self.build, "the tests before the fix": self.before, "the tests": self.after}
        return {name: text for name, text in logs.items() if text}


async def fetch_failure_logs(registry: RegistryClient, repository: str, past: PastRound) -> FailureLogs:
    """Excerpts of the logs of a round; a log that no longer exists is left out."""
    if not past.probes:
        return FailureLogs(build=await _build_log(registry, repository, past.build_log))
    tested = past.probes.get(Stage.AFTER) or past.probes.get(Stage.BASE)
    before = past.probes.get(Stage.BEFORE) if past.outcome in _BEFORE_LOG_OUTCOMES else None
    return FailureLogs(
        before=await _evaluation_log(registry, repository, before),
        after=await _evaluation_log(registry, repository, tested),
    )


def excerpt_with_tail(log: str) -> str:
    """The most diagnostic lines and the last lines; a short log as a whole."""
    lines = [line[:LOG_LINE_CHARACTERS] for line in log.splitlines() if line.strip()]
    excerpt = log_excerpt(log, EXCERPT_CHARACTERS)
    if len(lines) <= LAST_LOG_LINES:
        return "\n".join(lines)
    return "\n".join([excerpt, f"--- the last {LAST_LOG_LINES} lines ---", *lines[-LAST_LOG_LINES:]])


async def _build_log(registry: RegistryClient, repository: str, digest: Digest | None) -> str:
    if digest is None:
        return ""
    try:
        return excerpt_with_tail(
            (await registry.get_blob(repository, digest, STORED_LOG_LIMIT_BYTES)).decode("utf-8", "replace")
        )
    except NotFound:
        return ""


async def _evaluation_log(registry: RegistryClient, repository: str, digest: Digest | None) -> str:
    if digest is None:
        return ""
    try:
        files = await pull_artifact(registry, repository, digest, STORED_LOG_LIMIT_BYTES, only=(OUTPUT_FILE,))
    except NotFound:
        return ""
    return excerpt_with_tail(files.get(OUTPUT_FILE, b"").decode("utf-8", "replace"))
