"""Samples of a stage: what each of its evaluations gave, in a form in which they can be compared. Pure.

The probe of the accepted draft and the evaluations of the matrix run the same tests in the same image, so all of them
are samples of what the tests do. A status holds a hash of each; equal hashes are equal outcomes of all tests.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from swefoundry.contracts.stages import Stage
from swefoundry.grading.changing_ids import id_shape
from swefoundry.grading.result_sets import COARSE_STATUS, CoarseStatus
from swefoundry.grading.testcase_status import CaseStatuses


@dataclass(frozen=True)
class Sample:
    """Result of one evaluation, as a status knows it."""

    stage: Stage
    code: int | None
    """None when a fault prevented a result."""
    outcomes: str | None = None
    """Hash over what each test did; None when it is not known what each test did."""


ShapeOutcomes = Mapping[str, tuple[CoarseStatus, ...]]


def outcomes_by_shape(statuses: CaseStatuses) -> ShapeOutcomes:
    """Return the sorted outcomes of the tests of each id shape; of most shapes there is one test."""
    found: dict[str, list[CoarseStatus]] = defaultdict(list)
    for test, status in statuses.items():
        found[id_shape(test)].append(COARSE_STATUS[status])
    return {shape: tuple(sorted(outcomes)) for shape, outcomes in found.items()}


def outcomes_hash(statuses: CaseStatuses) -> str | None:
    """Return a hash over what all tests did; None when no test was reported.

    Parts of ids that change from run to run do not count: such ids never make two runs differ.
    """
    if not statuses:
        return None
    lines = sorted(f"{id_shape(test)}\t{COARSE_STATUS[status]}\n" for test, status in statuses.items())
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogatepass")).hexdigest()


def unstable_shapes(runs: Sequence[CaseStatuses]) -> Collection[str]:
    """Return the id shapes whose tests did not do the same in all runs of one stage."""
    by_run = [outcomes_by_shape(run) for run in runs]
    shapes: set[str] = set().union(*by_run)
    return {shape for shape in shapes if len({run.get(shape) for run in by_run}) > 1}
