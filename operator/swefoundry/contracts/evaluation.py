"""Spec and result of an evaluation pod, read and written alike by ``images/runner``."""

from typing import Literal

from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel

EVALUATION_SPEC_VARIABLE = "SWEFOUNDRY_RUN"
"""Environment variable that carries the spec."""


class EvaluationSpec(WireModel):
    """Run the test command as PID 1's child under a time limit."""

    v: Literal[1] = 1
    nonce: str
    stage: Stage
    command: str
    workdir: str = "/testbed"
    timeout_seconds: int
    reports: list[str] = []
    error_exit_codes: list[int] = []
    output_bytes: int = 1 << 20
    report_bytes: int = 4 << 20
    canary: list[str] = []
    """ip:port addresses that must not be reachable."""


class ReportCounts(WireModel):
    """What the runner counted in the reports."""

    total: int = 0
    passed: int = 0
    failed: int = 0
    errors: int = 0
    skipped: int = 0


class EvaluationResult(WireModel):
    """What the runner leaves behind: the container's exit code must equal ``code``, or nothing is believed."""

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
    output_bytes: int = 0
    output_sha256: str | None = None
    output_truncated: bool = False
