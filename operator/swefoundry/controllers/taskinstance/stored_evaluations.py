"""Read evaluations back from the registry: their records, and the statuses of their tests."""

import json
from dataclasses import dataclass

from swefoundry import errors
from swefoundry.api.taskinstance import Evaluation
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.grading.report_agreement import report_disagreement
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses
from swefoundry.grading.verdict_bundle import BundledEvaluation
from swefoundry.oci.artifacts import pull_artifact
from swefoundry.workloads.context import ReconcileContext
from swefoundry.workloads.evaluation.evidence import EVIDENCE_LIMIT_BYTES, RECORD_FILE, STATUSES_FILE


@dataclass(frozen=True)
class StoredEvaluation:
    """An evaluation with its evidence."""

    bundled: BundledEvaluation
    statuses: CaseStatuses

    @property
    def disagreement(self) -> str:
        """Why the statuses are not all tests of the evaluation; empty when they are."""
        return report_disagreement(self.bundled.record, self.statuses) if self.bundled.record else ""

    @property
    def problem(self) -> str:
        """Why the statuses of its tests are not known; empty when they are."""
        return self.disagreement if self.bundled.record else "its evidence is not there"


async def read_evaluation(item: Evaluation, context: ReconcileContext, repository: str) -> StoredEvaluation:
    """The evaluation with its evidence; without statuses when a fault prevented a result."""
    if item.evidence is None:
        return without_evidence(item)
    files = context.evidence_files.get(repository, item.evidence) or await pull_artifact(
        context.registry,
        repository,
        item.evidence,
        EVIDENCE_LIMIT_BYTES,
        only=(RECORD_FILE, STATUSES_FILE),
    )
    record = EvaluationResult.model_validate_json(files[RECORD_FILE])
    stored = json.loads(files[STATUSES_FILE])["statuses"]
    statuses = {test: CaseStatus(status) for test, status in stored.items()}
    bundled = without_evidence(item).bundled.model_copy(update={"record": record})
    return StoredEvaluation(bundled, statuses)


async def read_evaluation_if_there(
    item: Evaluation, context: ReconcileContext, repository: str
) -> StoredEvaluation:
    """The same of a run that is no cell of the matrix: one whose evidence is gone keeps its exit code."""
    try:
        return await read_evaluation(item, context, repository)
    except errors.NotFound:
        return without_evidence(item)


def without_evidence(item: Evaluation) -> StoredEvaluation:
    """The evaluation as the status has it."""
    bundled = BundledEvaluation(
        stage=item.stage,
        repeat=item.repeat,
        code=item.code,
        fault=item.fault,
        raw_exit=item.raw_exit,
        evidence=item.evidence,
    )
    return StoredEvaluation(bundled, {})
