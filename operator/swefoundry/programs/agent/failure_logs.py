"""Logs and test results of a failed round: the most diagnostic lines, the end of each log that explains it, the tests.

Where the reports tell what each failure expected and got, a log is cut to its most diagnostic lines.
"""

import asyncio
from dataclasses import dataclass, field

from swefoundry.contracts.agent import PastRound
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import OUTPUT_FILE
from swefoundry.contracts.round_outcome import RoundOutcome
from swefoundry.contracts.stages import Stage
from swefoundry.errors import NotFound, PermanentError
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.oci.registry_client import RegistryClient
from swefoundry.programs.agent.stage_results import StageReport, StageResults, read_stage_report
from swefoundry.text.log_excerpt import log_excerpt

STORED_LOG_LIMIT_BYTES = 32 << 20
READ_EVIDENCE_LIMIT_BYTES = 48 << 20
"""Of log and reports of one evaluation together; of more only the log is read."""
EXCERPT_CHARACTERS = 6000
SHORT_EXCERPT_CHARACTERS = 1500
"""Beside the heads of the failures."""
REPORTS_FOLDER = "reports/"
LAST_LOG_LINES = 15
LOG_LINE_CHARACTERS = 300
_BEFORE_LOG_OUTCOMES = (RoundOutcome.BOTH_PASSED, RoundOutcome.BEFORE_UNCLEAR)
"""Outcomes that the log of `before` explains. In all others it shows the failures that are expected without the fix."""


@dataclass(frozen=True)
class FailureLogs:
    """Excerpts, empty where there is no log, and the results of the tests."""

    build: str = ""
    before: str = ""
    after: str = ""
    results: StageResults = field(default_factory=StageResults)

    @property
    def by_name(self) -> dict[str, str]:
        """The excerpts that are not empty, by the name that prompts use."""
        logs = {"the build": self.build, "the tests before the fix": self.before, "the tests": self.after}
        return {name: text for name, text in logs.items() if text}


async def fetch_failure_logs(registry: RegistryClient, repository: str, past: PastRound) -> FailureLogs:
    """Logs and results of a round; evidence that no longer exists is left out."""
    if not past.probes:
        return FailureLogs(build=await _build_log(registry, repository, past.build_log))
    evidence = await asyncio.gather(
        *(_evidence(registry, repository, digest) for digest in past.probes.values())
    )
    files = dict(zip(past.probes, evidence, strict=True))
    results = StageResults({stage: _stage_report(each) for stage, each in files.items()})
    tested = files.get(Stage.AFTER) or files.get(Stage.BASE) or {}
    before = files.get(Stage.BEFORE, {}) if past.outcome in _BEFORE_LOG_OUTCOMES else {}
    return FailureLogs(
        before=excerpt_with_tail(_log(before)),
        after=log_excerpt(_log(tested), SHORT_EXCERPT_CHARACTERS)
        if results.failures
        else excerpt_with_tail(_log(tested)),
        results=results,
    )


def excerpt_with_tail(log: str) -> str:
    """The most diagnostic lines and the last lines; a short log as a whole."""
    lines = [line[:LOG_LINE_CHARACTERS] for line in log.splitlines() if line.strip()]
    if len(lines) <= LAST_LOG_LINES:
        return "\n".join(lines)
    last = lines[-LAST_LOG_LINES:]
    excerpt = [line for line in log_excerpt(log, EXCERPT_CHARACTERS).splitlines() if line not in last]
    return "\n".join([*excerpt, f"--- the last {LAST_LOG_LINES} lines ---", *last])


async def _build_log(registry: RegistryClient, repository: str, digest: Digest | None) -> str:
    if digest is None:
        return ""
    try:
        return excerpt_with_tail(
            (await registry.get_blob(repository, digest, STORED_LOG_LIMIT_BYTES)).decode("utf-8", "replace")
        )
    except NotFound:
        return ""


async def _evidence(registry: RegistryClient, repository: str, digest: Digest) -> dict[str, bytes]:
    try:
        return await pull_artifact(registry, repository, digest, READ_EVIDENCE_LIMIT_BYTES)
    except NotFound:
        return {}
    except PermanentError:  # larger than is worth reading: the log alone
        return await pull_artifact(registry, repository, digest, STORED_LOG_LIMIT_BYTES, only=(OUTPUT_FILE,))


def _stage_report(files: dict[str, bytes]) -> StageReport:
    return read_stage_report(
        {
            name.removeprefix(REPORTS_FOLDER): content
            for name, content in files.items()
            if name.startswith(REPORTS_FOLDER)
        }
    )


def _log(files: dict[str, bytes]) -> str:
    return files.get(OUTPUT_FILE, b"").decode("utf-8", "replace")
