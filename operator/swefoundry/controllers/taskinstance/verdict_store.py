"""Store a verdict: the bundle with the matrix, the per-test sets and the draft, as an artifact of the image."""

import asyncio
import json

from swefoundry import errors, metrics
from swefoundry.api.taskinstance import Evaluation, ResultSets
from swefoundry.contracts.evaluation import EvaluationResult
from swefoundry.contracts.stages import Stage
from swefoundry.controllers.taskinstance.observe import Observation
from swefoundry.controllers.taskinstance.steps import (
    Judge,
    Judged,
    Result,
)
from swefoundry.drafts.evaluation_command import no_files_note
from swefoundry.grading.result_sets import compare_stages
from swefoundry.grading.testcase_status import CaseStatus, CaseStatuses
from swefoundry.grading.verdict_bundle import (
    BUNDLED_DRAFT_FILE,
    VERDICT_FILE,
    BundledEvaluation,
    VerdictBundle,
)
from swefoundry.oci.artifacts import pull_artifact, push_artifact
from swefoundry.workloads.context import ReconcileContext, StageImageRequest
from swefoundry.workloads.evaluation.evidence import RECORD_FILE, STATUSES_FILE

EVALUATION_ARTIFACT_LIMIT_BYTES = 96 << 20
"""Bytes of one evaluation's evidence: a 1 MiB log and reports of at most 64 MiB unpacked."""


async def store_verdict(step: Judge, observed: Observation, context: ReconcileContext) -> Result:
    """Push the verdict bundle, count the verdict, and return it with the sizes of the per-test sets."""
    task, repository = observed.task, observed.repository
    image = observed.image
    if image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without an image")
    evaluations, statuses = await _matrix_evidence(observed, context, repository)
    sets = compare_stages(statuses[Stage.BEFORE], statuses[Stage.AFTER])
    bundle = VerdictBundle(
        instance_id=task.spec.instance_id,
        verdict=step.verdict.value,
        matrix=evaluations,
        image=f"{image.name}@{image.digest}",
        tests={name: list(ids) for name, ids in sets.by_name().items()},
        stages=await _stage_digests(observed, context, repository),
    )
    files = {VERDICT_FILE: json.dumps(bundle.to_json_dict(), sort_keys=True, indent=1).encode()}
    note = ""
    if observed.build is not None and observed.build.status.draft is not None:
        # With the draft, the bundle alone is enough to build the image and run the tests again.
        draft = await context.draft(repository, observed.build.status.draft)
        files[BUNDLED_DRAFT_FILE] = draft.to_bytes()
        note = no_files_note(
            draft.test_command, task.status.prepared.test_files if task.status.prepared else 0
        )
    digest = await push_artifact(context.registry, repository, "verdict", files, subject=image.digest)
    metrics.VERDICTS.labels(step.verdict.value, observed.settings.experiment_label(task.experiment)).inc()
    known = bool(statuses[Stage.BEFORE] and statuses[Stage.AFTER])
    counts = ResultSets(fail_to_pass=len(sets.swe_bench_fail_to_pass), pass_to_pass=len(sets.pass_to_pass))
    return Judged(step.verdict, counts if known else None, digest, note)


async def _matrix_evidence(
    observed: Observation, context: ReconcileContext, repository: str
) -> tuple[list[BundledEvaluation], dict[Stage, list[CaseStatuses]]]:
    evaluations: list[BundledEvaluation] = []
    statuses: dict[Stage, list[CaseStatuses]] = {stage: [] for stage in Stage}
    items = sorted(observed.task.status.evaluations, key=lambda item: (item.stage, item.repeat))
    stored = await asyncio.gather(*(_stored_evaluation(item, context, repository) for item in items))
    for item, (record, case_statuses) in zip(items, stored, strict=True):
        if case_statuses:
            statuses[item.stage].append(case_statuses)
        evaluations.append(
            BundledEvaluation(
                stage=item.stage,
                repeat=item.repeat,
                code=item.code,
                fault=item.fault,
                raw_exit=item.raw_exit,
                record=record,
                evidence=item.evidence,
            )
        )
    return evaluations, statuses


async def _stored_evaluation(
    item: Evaluation, context: ReconcileContext, repository: str
) -> tuple[EvaluationResult | None, CaseStatuses]:
    if item.evidence is None:
        return None, {}
    files = await pull_artifact(
        context.registry,
        repository,
        item.evidence,
        EVALUATION_ARTIFACT_LIMIT_BYTES,
        only=(RECORD_FILE, STATUSES_FILE),
    )
    stored = json.loads(files[STATUSES_FILE])["statuses"]
    record = EvaluationResult.model_validate_json(files[RECORD_FILE])
    return record, {test: CaseStatus(status) for test, status in stored.items()}


async def _stage_digests(
    observed: Observation, context: ReconcileContext, repository: str
) -> dict[Stage, str]:
    """Digests of the stage images that ran: the same image and layer give the same digest, whatever the tag."""
    task, prepared, image = observed.task, observed.task.status.prepared, observed.image
    if prepared is None or image is None:
        raise errors.PermanentError(f"{task.name}: a verdict without a source or an image")
    requests = {stage: StageImageRequest(repository, image.digest, prepared.layers[stage]) for stage in Stage}
    return {stage: await context.stage_image(request) for stage, request in requests.items()}
