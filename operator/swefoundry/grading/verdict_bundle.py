"""The verdict bundle: the artifact that proves why a TaskInstance is valid or not.

It is stored as ``verdict.json``; ``swefoundry export`` needs nothing else but the object itself.
"""

from typing import Literal

from pydantic import Field

from swefoundry.contracts.controls import ControlResult
from swefoundry.contracts.digests import Digest
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.stages import Stage
from swefoundry.contracts.wire import WireModel

VERDICT_FILE = "verdict.json"
BUNDLED_DRAFT_FILE = "draft.json"
"""File with the draft of the image, in the same artifact."""


class BundledEvaluation(WireModel):
    """An evaluation of the matrix, as stored in the bundle."""

    stage: Stage
    repeat: int = 0
    code: int | None = None
    """None when a fault prevented a result."""
    fault: str | None = None
    raw_exit: int | None = None
    record: EvaluationResult | None = None
    evidence: Digest | None = None
    """Artifact with the log, the reports and the record."""


class VerdictBundle(WireModel):
    """The matrix with all results, the digests and the test sets."""

    v: Literal[1] = 1
    instance_id: str
    verdict: str
    matrix: list[BundledEvaluation] = Field(default=[])
    probes: list[BundledEvaluation] = Field(default=[])
    """Probes of the same image and draft: further samples of `before` and `after`."""
    image: str | None = None
    """registry/repository:tag@digest of the task image, as nodes pull it."""
    tests: dict[str, list[str]] = Field(default={})
    """FAIL_TO_PASS and PASS_TO_PASS, and those of ERROR_TO_PASS, NONE_TO_PASS, … that are not empty."""
    tolerated_failures: list[str] = Field(default=[])
    """Tests whose failures did not count, by the draft: they fail with and without the fix in its environment."""
    run_as_user: int | None = None
    """Id of the user that the tests ran as, by the draft; None for root."""
    date_dependent: bool = False
    """Whether the draft's test command sets the clock: on another day its tests fail."""
    tests_unknown: str = ""
    """Why the sets are not known; they are empty then."""
    controls: list[ControlResult] = Field(default=[])
    """Of an instance that is `fail2pass`."""
    test_strength: int | None = None
    """Percentage of the hunks of the gold patch without which the tests fail; None without `MutatedGold`."""
    stages: dict[Stage, str] = Field(default={})
    """Per stage, the digest of the stage image that ran."""

    def swe_bench_fail_to_pass(self, error_to_pass: bool = False) -> list[str]:
        """Return all tests that pass only with the fix, as SWE-bench counts.

        ``error_to_pass``: also those of files that could not be collected without it.
        """
        names = (
            "FAIL_TO_PASS",
            "NONE_TO_PASS",
            "SKIP_TO_PASS",
            *(["ERROR_TO_PASS"] if error_to_pass else []),
        )
        return sorted({test for name in names for test in self.tests.get(name, ())})
