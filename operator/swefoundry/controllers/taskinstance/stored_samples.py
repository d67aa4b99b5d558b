"""All samples of a TaskInstance with their evidence: the matrix, and the probes of the same image."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from swefoundry.api.taskinstance import Evaluation
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.sampling import judged_probes
from swefoundry.controllers.taskinstance.stored_evaluations import (
    StoredEvaluation,
    read_evaluation,
    read_evaluation_if_there,
)
from swefoundry.grading.result_sets import CaseSets, compare_stages
from swefoundry.grading.sampled_verdict import SampledRun
from swefoundry.workloads.context import ReconcileContext

NO_TESTS_REPORTED = "no test was reported after the fix; a draft without reports gives exit codes only"


def _sampled(item: StoredEvaluation) -> SampledRun:
    record = item.bundled.record
    return SampledRun(
        item.bundled.stage,
        item.bundled.code,
        None if item.problem else item.statuses,
        running=record.running if record else None,
        seconds=record.duration_ms / 1000 if record else None,
    )


@dataclass(frozen=True)
class StoredSamples:
    """Everything that a verdict is made of."""

    matrix: Sequence[StoredEvaluation]
    probes: Sequence[StoredEvaluation]

    @property
    def runs(self) -> list[SampledRun]:
        """Probes and matrix in the order in which they ran."""
        return [_sampled(item) for item in (*self.probes, *self.matrix)]

    def sets(self) -> CaseSets:
        """The sets of tests over all runs whose statuses are known."""
        runs = self.runs
        before, after, base = (
            [run.statuses for run in runs if run.stage is stage and run.statuses is not None]
            for stage in (Stage.BEFORE, Stage.AFTER, Stage.BASE)
        )
        return compare_stages(before, after, base)

    def unknown_tests_reason(self) -> str:
        """Why sets of tests cannot be made; empty when they can.

        `base` and the probes only help, and are left out where record and reports disagree.
        """
        for item in self.matrix:
            if item.disagreement and item.bundled.stage is not Stage.BASE:
                return f"{item.bundled.stage} #{item.bundled.repeat}: {item.disagreement}"
        after = [item.statuses for item in self.matrix if item.bundled.stage is Stage.AFTER]
        return "" if any(after) else NO_TESTS_REPORTED


async def read_samples(observed: Observation, context: ReconcileContext) -> StoredSamples:
    """Read the evidence of the matrix and of the probes, all at the same time."""
    repository = observed.repository
    matrix = sorted(observed.task.status.evaluations, key=lambda item: (item.stage, item.repeat))
    stored = await asyncio.gather(
        *(read_evaluation(item, context, repository) for item in matrix),
        *(read_evaluation_if_there(item, context, repository) for item in _probes(observed)),
    )
    return StoredSamples(stored[: len(matrix)], stored[len(matrix) :])


def _probes(observed: Observation) -> list[Evaluation]:
    """The probes as evaluations. One that a fault ended is no sample of the tests: the matrix has its own."""
    return [
        Evaluation(stage=item.stage, repeat=0, code=item.code, raw_exit=item.raw_exit, evidence=item.evidence)
        for item in judged_probes(observed)
        if item.code is not None
    ]
