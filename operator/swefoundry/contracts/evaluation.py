"""Spec and result of an evaluation pod; ``images/runner`` reads and writes the same JSON."""

from typing import Literal

from swefoundry.contracts.image_layout import SOURCE_ROOT
from swefoundry.contracts.measured import MeasuredResources
from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel

EVALUATION_SPEC_VARIABLE = "SWEFOUNDRY_RUN"
"""Environment variable that carries the spec."""

OUTPUT_FILE = "output.log"
"""File with the test output in the artifact of an evaluation's evidence."""

SOURCE_SHADOWED_EXIT = 97
"""Exit code of a probe whose image imports the project from another place than the tree."""


class EvaluationSpec(WireModel):
    """Spec of an evaluation pod: run the test command as a child of PID 1, with a time limit."""

    v: Literal[1] = 1
    nonce: str
    stage: Stage
    command: str
    workdir: str = SOURCE_ROOT
    timeout_seconds: int
    reports: list[str] = []
    error_exit_codes: list[int] = []
    tolerated_failures: list[str] | None = None
    """Exact ids of tests whose failure does not count. Absent when there are none: the runner comes with the source
    that an intake prepared, so an older one may run, and a runner rejects fields that it does not know.
    """
    run_as_user: int | None = None
    """Id of the user and group that the command runs as. Absent: root, and so for the same reason."""
    output_bytes: int = 1 << 20
    report_bytes: int | None = None
    """All reports together, uncompressed. Absent, as the next one, for the same reason: the runner's own limit."""
    report_log_bytes: int | None = None
    """What they may take of the log, compressed and as base64: the kubelet rotates a log after 10 MiB by default."""
    shuffle_seed: int | None = None
    """Order of the tests, where the command runs pytest. Absent, as the next one, for the same reason: as collected."""
    cpus: int | None = None
    """CPUs that the command may use, if the node has as many."""
    later_clock: bool | None = None
    """Whether the command sees a clock that is one year later. Absent when it does not, for the same reason."""
    canary: list[str] = []
    """ip:port addresses that must not be reachable."""


class ReportCounts(WireModel):
    """Numbers of tests in the reports, as the runner counted them."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0
    collection_errors: int = 0
    """Of the errors: files or modules that could not be collected, as opposed to a test's set-up that failed."""
    tolerated: int = 0
    """Of the failed and the errors: tests that the spec tolerates."""


class EvaluationResult(WireModel):
    """Result of the runner; valid only when the container's exit code equals ``code``."""

    v: Literal[1] = 1
    nonce: str
    stage: Stage
    code: int
    raw_exit: int | None = None
    signal: str | None = None
    duration_ms: int = 0
    oom_kills: int = 0
    network: Literal["denied", "open", "unprobed"] = "unprobed"
    tests: ReportCounts | None = None
    report_sha256: str | None = None
    report_note: str | None = None
    running: str | None = None
    """The test in which the run ended: one that was recorded as begun and not as ended."""
    unreadable_reports: int = 0
    """Report files that were found and not read completely; what each test did is unknown then."""
    output_bytes: int = 0
    output_sha256: str | None = None
    output_truncated: bool = False
    shuffled: bool = False
    """Whether tests were run in the order of the spec's seed."""
    cpus: int | None = None
    """CPUs that the command could use; None when the spec does not limit them."""
    later_clock: bool = False
    """Whether programs of the image showed the later time before the command ran."""
    measured: MeasuredResources | None = None
    """What the container used; absent in a record of the release before."""
